"""Who wrote a text, taken out of it: a model that names itself or its maker, and nobody else of that name.

what is met                                        what becomes of it
a configured id: claude-opus-5-5, Llama 4 Scout    this model
As Claude, …; I'm Meta's Llama 4; — Claude         As this model, …; I'm this model; — this model
I was trained by Meta; an AI made by Anthropic     … by its maker
llama-gateway, claude-proxy, the Meta pixel        as it is: what happens to a service of that name is evidence
"""

import re
from collections.abc import Iterable, Iterator

from bot.check.numbers import UNBACKED

SELF, MAKER = "this model", "its maker"

_MARKED = f"(?:{re.escape(UNBACKED)})?"  # behind a version that code took for a figure
_FAMILIES = "Claude|(?:Code ?)?Llama|ChatGPT|GPT|Qwen|Mi[sx]tral|Gemma|Gemini|DeepSeek|Nemotron|Kimi|GLM"
_MAKERS = "Anthropic|Meta(?: AI| Platforms)?|OpenAI|Alibaba(?: Cloud)?|Mistral AI|Google(?: DeepMind)?|DeepSeek|NVIDIA"
_KINDS = "Opus|Sonnet|Haiku|Fable|Mythos|Scout|Maverick|Instruct|Chat|Turbo|Coder|Large|Small|Mini"
_NUMBER = rf"v?\d{{1,4}}(?:\.\d{{1,4}}){{0,3}}[a-zA-Z]?{_MARKED}"
_VERSION = rf"(?:{_NUMBER})?(?:[ -](?:{_NUMBER}|(?:{_KINDS})\b)){{0,8}}"
_ROLE = r"(?: (?:AI|large|language))*(?: (?:model|assistant)\b)"
_QUOTES = "[*_`\"“”'‘’]*"
_WHOLE = r"(?![\w/-]|[.:]\w)"  # no part of a longer name, such as a service's
_NAME = rf"(?:(?:{_MAKERS})(?:['’]s)? )?(?:{_FAMILIES}){_VERSION}(?:{_ROLE})?{_WHOLE}"
_WHO = rf"(?:(?:an?|the) )?(?P<quote>{_QUOTES})(?:{_NAME}|(?:{_MAKERS})(?:['’]s)?{_ROLE})"
_END = rf"(?={_QUOTES}\s*(?:[.,;:!)\]]|$))"
_I_AM = r"(?:I['’]m|I am|I was|my name is|call me|ich bin|je suis|soy|sono)\s+"
_KIND = r"(?:(?:an?|the)\s+)?(?:(?:helpful|large|AI|language|this)\s+){1,4}(?:model|assistant),?\s+"
_MADE = r"(?:(?:which|that)\s+(?:is|was)\s+)?(?:made|trained|developed|created|built|released|designed)\s+by\s+"
_FRAMES = (
    (rf"\b{_I_AM}){_WHO}", re.IGNORECASE, SELF),
    (rf"\b(?:As|Als|En tant que|Como|Come|[Ss]peaking as),?\s+){_WHO}(?={_QUOTES}(?:,|\s+I\b))", 0, SELF),
    (rf"\bas\s+){_WHO}(?={_QUOTES},?\s+(?:I|my)\b)", 0, SELF),
    (rf"\b(?:answer|analysis|report|reply|written|generated|prepared)\s+by\s+){_WHO}{_END}", re.I | re.M, SELF),
    (rf"^(?:#+ |> )?[*_]*)(?P<quote>){_NAME}(?=(?:['’]s \w+)?{_QUOTES}:{_QUOTES}(?:\s|$))", re.M, SELF),
    (rf"^(?:(?:[—–~]|--)[ \t]*)?[*_]*)(?P<quote>){_NAME}(?=[*_]*[ \t]*$)", re.M, SELF),
    (rf"(?:^|[.!?]\s+){_QUOTES})(?P<quote>){_NAME}(?=\s+(?:here|speaking)\b)", re.M, SELF),
    (rf"\b)(?P<quote>){_NAME}(?=['’]s (?:analysis|view|answer|take|assessment|opinion|verdict|conclusion)\b)", 0, SELF),
    (rf"\b(?:{_I_AM}(?:{_KIND})?|{_KIND}){_MADE})(?P<quote>{_QUOTES})(?:{_MAKERS}){_WHOLE}", re.I, MAKER),
    (rf"\b{_I_AM}{_KIND}(?:by|from)\s+)(?P<quote>{_QUOTES})(?:{_MAKERS}){_WHOLE}", re.I, MAKER),
)  # fmt: skip
_SAID = [(re.compile(f"(?P<before>{pattern}", flags), word) for pattern, flags, word in _FRAMES]


def nameless(text: str, ids: Iterable[str] = ()) -> str:
    """The text without its writer: these ids wherever they stand whole, and each name that it gives itself."""
    for one in sorted(ids, key=len, reverse=True):
        parts = [re.escape(part) for part in re.split(r"[-_ ]|(?<=\d)\.(?=\d)", one) if part]
        spelled = rf"{_MARKED}[-_ .]".join(parts)  # also as people write it: Llama 4 Scout
        text = re.sub(rf"(?<![\w./:-]){spelled}{_MARKED}{_WHOLE}", SELF, text, flags=re.IGNORECASE)
    for pattern, word in _SAID:
        text = pattern.sub(rf"\g<before>\g<quote>{word}", text)
    return text


def ids_of(*names: str) -> Iterator[str]:
    """The ids that a model's names hold, such as `llama:meta-llama/Llama-4`: none that is a word like any other."""
    for name in names:
        for one in {name, name.partition(":")[2], name.rpartition("/")[2]}:
            if re.search(r"[-_/:.]|\d", one) and len(one) > 3:
                yield one
