"""Text from a model or a tool, made harmless: no mention, no link to a host nobody allowed, no hidden character.

what is met                          what becomes of it
<!channel>, <@U1>, <#C1>, @here      the words alone, with a space behind the sign
[text](url), ![text](url), <url|x>   an allowed address stays a link (never a picture); else the text and (link removed)
https://…, scheme://…, javascript:…  kept when allowed; inside addresses lose their scheme; else (link removed)
example.com/path, example.com        (link removed); example[.]com; a file-like name goes into `code`
&lt;!channel&gt;                     decoded first, then treated as above
control, format, private characters  removed, newline and tab aside
"""

import html
import re
from collections.abc import Callable, Sequence

import re2

from bot.check.domains import is_linked, is_wordlike

REMOVED = "(link removed)"
_MAX_DECODED = 5  # an honest text is encoded once or twice

_HIDDEN = re2.compile("[\\p{Cc}\\p{Cf}\\p{Co}\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0]")
_CLEAN = re.compile(r"[ -~\n\t]*")  # what most text is, decided without a look at Unicode
_BREAKS = re.compile("\r\n?|[\u2028\u2029\u0085]")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
_SUSPECT = re.compile(r"[<@:\]/.。．｡]")
_AT = re.compile(r"@(?=(?:channel|here|everyone|group)(?![a-zA-Z0-9_-]))", re.IGNORECASE)
_OPENER = re.compile(r"<(?=[!@#])")

_DOT = "[.。．｡]"
_LABEL = r"[0-9A-Za-z_\-\x{80}-\x{1fff}\x{2070}-\x{3001}\x{3003}-\x{ff0d}\x{ff0f}-\x{ff60}\x{ff62}-\x{10ffff}]+"
_HOST = f"{_LABEL}(?:{_DOT}{_LABEL})+"
_REST = '[^\\s<>|`"]'
# Bounded repeats would blow the automaton up; the classes end at a line's end or a bracket instead.
_TOKEN = re2.compile(
    r"(?:<[!@#][^<>|\n]*(?:\|[^<>\n]*)?>)"
    r"|(?:<[A-Za-z][A-Za-z0-9+.-]*:[^<>\n]*>)"
    r"|(?:!?\[[^\[\]\n]*\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)?\))"
    rf"|(?:[A-Za-z][A-Za-z0-9+.-]*:[/\\]+{_REST}*|(?i:https?:{_REST}+))"
    rf"|(?:(?i:(?:javascript|vbscript|sms|slack|blob|cid|facetime|view-source|intent|ms-[a-z]+):{_REST}+"
    rf"|data:(?:[a-z]+/|[,;]){_REST}*|tel:\+?[0-9]{_REST}*))"
    rf"|(?:[0-9A-Za-z_.+-]+@{_HOST}(?:[/\\]{_REST}*)?)"
    rf"|(?:{_HOST}(?::[0-9]+)?(?:[/?#\\]{_REST}*)?)"
)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[/\\]|https?:", re.IGNORECASE)
_SEPARATOR = re.compile(r"[:/?#\\]")
_SEPARATED = re.compile(_DOT)
_ANGLE = re.compile(r"<([^|<>]*)(?:\|([^<>]*))?>")
_INLINE = re.compile(r"!?\[([^\[\]]*)\]\(\s*<?([^\s<>]*).*\)", re.DOTALL)
_ALLOWED = re.compile(r"(?i:https?)://([A-Za-z0-9.-]+)(?::[0-9]{1,5})?(?:[/?#][^\s\\]*)?")
_INSIDE = re.compile(r"(?i:https?)://(([A-Za-z0-9.-]+)(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/%+-]*)?)")
_STORE_SCHEMES = (
    "postgres postgresql mysql mongodb redis rediss memcached amqp amqps kafka nats grpc tcp udp unix s3 gs"
)
_STORES = frozenset(_STORE_SCHEMES.split())
_TRAILING = ".,;:!?)]}'*_~"
_PRIVATE = re.compile(r"(?:10|127|192\.168|172\.(?:1[6-9]|2[0-9]|3[01]))(?:\.[0-9]{1,3}){2,3}")
_NUMBERS = re.compile(r"[0-9.]+")


def defuse(text: str, allowed_hosts: Sequence[str] = ()) -> str:
    """`text` as it may be posted; `allowed_hosts` are exact names, or `.example.com` for all below it."""
    text = plain(text)
    if not _SUSPECT.search(text):
        return text
    rule = _Rule(tuple(host.lower() for host in allowed_hosts))
    parts = _CODE.split(text)
    text = "".join(rule.apply(part, code=bool(at % 2)) for at, part in enumerate(parts))
    return _AT.sub("@ ", _OPENER.sub("< ", text))


def plain(text: str) -> str:
    """Without hidden characters, entities decoded; what is seen is all there is."""
    for _ in range(_MAX_DECODED):
        if _CLEAN.fullmatch(text) is None:
            text = _HIDDEN.sub(_keep_breaks, _BREAKS.sub("\n", _SURROGATE.sub("", text)))
        if "&" not in text or (decoded := _ENTITY.sub(_decode, text)) == text:
            return text
        text = decoded
    return text.replace("&", "& ")


def _keep_breaks(match: "re.Match[str]") -> str:
    return match.group() if match.group() in "\n\t" else ""


def _decode(match: re.Match[str]) -> str:
    return html.unescape(match.group())


class _Rule:
    """The table above, for one list of allowed hosts."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self._exact = frozenset(host for host in allowed if not host.startswith("."))
        self._below = tuple(host for host in allowed if host.startswith("."))
        self._code = False
        self._kinds: dict[str, Callable[[str], str]] = {
            "mention": self._mention,
            "angle": self._angle,
            "inline": self._inline,
            "url": self._url,
            "scheme": lambda _: REMOVED,
            "mail": lambda found: REMOVED if re.search(r"[/\\]", found) else found,
            "domain": self._domain,
        }

    def apply(self, text: str, *, code: bool = False) -> str:
        """Each token replaced by what its kind allows."""
        self._code = code
        replaced: str = _TOKEN.sub(self._replace, text) if _SUSPECT.search(text) else text
        return replaced

    def _replace(self, match: "re.Match[str]") -> str:
        found = match.group()
        return self._kinds[_kind(found)](found)

    def allows(self, url: str) -> bool:
        """Whether the address is http(s), plainly written, and its host allowed."""
        match = _ALLOWED.fullmatch(url)
        if match is None:
            return False
        host = match[1].lower()
        return host in self._exact or host.endswith(self._below)

    def _mention(self, found: str) -> str:
        target, _, label = found[1:-1].partition("|")
        if target.startswith("!") and (label or "^" not in target):
            label = label or target[1:]
            return "@ " + self.apply(label.lstrip("@"), code=self._code)
        return f"{target[0]} {self.apply(label or target[1:].partition('^')[0], code=self._code)}"

    def _angle(self, found: str) -> str:
        match = _ANGLE.fullmatch(found)
        if match is None:
            return REMOVED
        url, label = match[1], match[2]
        if self.allows(url):
            return f"[{self._label(label)}]({url})" if label else url
        return f"{self._label(label)} {REMOVED}" if label else self._url(url)

    def _inline(self, found: str) -> str:
        match = _INLINE.fullmatch(found)
        if match is None:
            return REMOVED
        label, target = self._label(match[1]), match[2]
        if self.allows(target):
            return f"[{label}]({target})"
        if not re.search(r"[:./\\%&@#?]", target):
            return found.lstrip("!")  # f[0](x): no address at all
        return f"{label} {REMOVED}"

    def _label(self, label: str) -> str:
        return self.apply(label, code=True).replace("[", "(").replace("]", ")")

    def _url(self, found: str) -> str:
        address = found.rstrip(_TRAILING)
        rest = found[len(address) :]
        if self.allows(address):
            return found
        inside = _INSIDE.fullmatch(address)
        if inside and not _is_public(inside[2]):
            return inside[1] + rest
        scheme, _, target = address.partition("://")
        if scheme.lower() in _STORES and not _is_public(_SEPARATOR.split(target.rpartition("@")[2], maxsplit=1)[0]):
            return found
        return REMOVED + rest

    def _domain(self, found: str) -> str:
        whole = found.rstrip(_TRAILING)
        rest = found[len(whole) :]
        host = _SEPARATOR.split(whole, maxsplit=1)[0]
        name = _SEPARATED.sub(".", host)
        if not is_linked(name) or name.lower() in self._exact:
            return found
        if any(sign in whole for sign in "/?#\\"):
            return REMOVED + rest
        if is_wordlike(name):
            return found if self._code else f"`{whole}`{rest}"
        start, _, last = name.rpartition(".")
        return f"{start}[.]{last}{whole[len(host) :]}{rest}"


def _kind(found: str) -> str:
    if found[0] == "<":
        return "mention" if found[1] in "!@#" else "angle"
    if found[0] in "[!":
        return "inline"
    if _ADDRESS.match(found):
        return "url"
    before = _SEPARATOR.split(found, maxsplit=1)
    if "@" in before[0]:
        return "mail"
    return "domain" if _SEPARATED.search(before[0]) else "scheme"


def _is_public(host: str) -> bool:
    if _NUMBERS.fullmatch(host):
        return _PRIVATE.fullmatch(host) is None
    return is_linked(host) if "." in host else not host.isascii() or host == ""
