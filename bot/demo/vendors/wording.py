"""Says a parser's complaint as Prometheus would: its words and its `line:column`."""

import re
from collections.abc import Callable

TYPES = {"matrix": "range vector", "vector": "instant vector", "scalar": "scalar", "string": "string"}
TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)|(?P<number>\d[\w.]*)"""
    r"""|(?P<identifier>[A-Za-z_][\w:.]*)|(?P<op>==|!=|=~|!~|<=|>=|[-+*/%^<>=,:@])|(?P<bracket>[()\[\]{}])|(?P<odd>.)"""
)
WORDS = {"by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset", "and", "or", "unless"}
Place = Callable[[str, "re.Match[str]"], int]


def parse_error(query: str, complaint: str) -> str:
    """The text that follows `invalid parameter "query": `, for a complaint of the parser."""
    placed = re.fullmatch(r"@(\d+): (.*)", complaint)
    if placed:
        return f"1:{placed[1]}: parse error: {placed[2]}"
    for pattern, text, place in RULES:
        found = re.fullmatch(pattern, complaint)
        if found:
            return f"{at(query, place(query, found))}: parse error: {text(found)}"
    column, text_ = unexpected(query)
    return f"{at(query, column)}: parse error: {text_}"


def at(query: str, column: int) -> str:
    """`line:column` of a place counted from 0."""
    before = query[:column]
    return f"{before.count(chr(10)) + 1}:{len(before) - (before.rfind(chr(10)) + 1) + 1}"


def unexpected(query: str) -> tuple[int, str]:
    """The first token that cannot stand where it stands: an operand after an operand, or the end."""
    before = ""
    for token in TOKEN.finditer(query):
        sort, text = token.lastgroup, token[0]
        if sort is None:
            continue
        operand = sort in ("string", "number", "identifier") and text not in WORDS
        if operand and before == "operand":
            grouped = re.search(r"\b(?:by|without)\s*\([^()]*\)\s*$", query[: token.start()])
            return token.start(), f'unexpected {sort} "{text}"' + (" in aggregation" if grouped else "")
        before = "operand" if operand or text in ")]}" else "operator"
        if text in WORDS:
            before = "word"
    return len(query), "unexpected end of input"


def start(query: str, found: "re.Match[str]") -> int:
    """The query's begin."""
    return len(query) - len(query.lstrip())


def end(query: str, found: "re.Match[str]") -> int:
    """Behind the query's end."""
    return len(query)


def call(query: str, found: "re.Match[str]") -> int:
    """Where the named function stands."""
    place = re.search(rf"\b{re.escape(found['name'])}\s*\(", query)
    return place.start() if place else 0


def argument(query: str, found: "re.Match[str]") -> int:
    """The first argument of the named function that is not of the wanted sort."""
    return inside(query, re.compile(rf"\b{re.escape(found['name'])}\s*\(\s*"), found["want"] == "matrix")


def aggregated(query: str, found: "re.Match[str]") -> int:
    """The expression under an aggregation."""
    from_ = re.compile(r"\b(?:sum|avg|min|max|count|group|stddev|stdvar|topk|bottomk|quantile)\b[^(]*\(\s*")
    return inside(query, from_, False)


def inside(query: str, opening: "re.Pattern[str]", wants_range: bool) -> int:
    """Behind the first opening whose argument is no range (or is one)."""
    places = list(opening.finditer(query))
    for place in places:
        close = closing(query, place.end())
        is_range = query[:close].rstrip().endswith("]")
        if is_range != wants_range:
            return place.end()
    return places[0].end() if places else 0


def closing(query: str, place: int) -> int:
    """Where the bracket that is open at `place` closes."""
    depth = 1
    for token in TOKEN.finditer(query, place):
        depth += (token[0] == "(") - (token[0] == ")")
        if depth == 0:
            return token.start()
    return len(query)


def after(sign: str) -> Place:
    """A place behind the first `sign`."""
    return lambda query, found: query.find(sign) + len(sign)


def named(query: str, found: "re.Match[str]") -> int:
    """Where the complaint's own word stands."""
    return max(0, query.rfind(found["name"]))


def comparison(query: str, found: "re.Match[str]") -> int:
    """The first comparison operator."""
    place = re.search(r"==|!=|<=|>=|<|>", query)
    return place.start() if place else 0


def surplus(query: str, found: "re.Match[str]") -> int:
    """Behind the bracket that closes nothing."""
    return closing(query, 0) + 1


def _got(found: "re.Match[str]") -> str:
    return f"expected type {TYPES[found['want']]} in {found['where']}, got {TYPES[found['got']]}"


def _call_got(found: "re.Match[str]") -> str:
    want, got = TYPES[found["want"]], TYPES[found["got"]]
    return f'expected type {want} in call to function "{found["name"]}", got {got}'


def _same(found: "re.Match[str]") -> str:
    return re.sub(r"'([^' ]*)'(?!\))", r'"\1"', found[0])


RULES: tuple[tuple[str, Callable[["re.Match[str]"], str], Place], ...] = (
    (r"unexpected end of input inside braces", _same, end),
    (r"unexpected end of input inside brackets", lambda _: "unclosed left bracket", end),
    (r"unclosed left parenthesis", _same, end),
    (r"unexpected right parenthesis '\)'", lambda found: found[0], surplus),
    (r"unexpected end of input in offset.*", _same, end),
    (r"unexpected character: '(?P<name>.)'", lambda found: found[0], named),
    (r"unknown function with name '(?P<name>\w+)'", _same, call),
    (r"expected (?:at (?:most|least) )?\d+ argument\(s\) in call to '(?P<name>\w+)', got \d+", _same, call),
    (r"expected type (?P<want>\w+) in call to function '(?P<name>\w+)', got (?P<got>\w+)", _call_got, argument),
    (r"expected type (?P<want>scalar) in aggregation expression, got (?P<got>\w+)",
     lambda found: f"expected type scalar in aggregation parameter, got {TYPES[found['got']]}", aggregated),
    (r"expected type (?P<want>\w+) in (?P<where>aggregation expression), got (?P<got>\w+)", _got, aggregated),
    (r"comparisons between scalars must use BOOL modifier", _same, comparison),
    (r"unexpected identifier '(?P<name>\w+)' in label matching, expected string", _same, named),
    (r"illegal regex for (?P<name>.*)",
     lambda found: f"error parsing regexp: {regexp_fault(found['name'])}", after("{")),
    (r"duration must be greater than 0", _same, after("[")),
    (r"missing unit character in duration", _same, after("[")),
    (r"bad number or duration syntax: (?P<name>\d+)\D*",
     lambda found: f'bad duration syntax: "{found["name"]}"', after("[")),
    (r"offset modifier must be preceded by .*",
     lambda _: "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
     start),
    (r"unary expression only allowed on .*, got: (?P<got>\w+)",
     lambda found: "unary expression only allowed on expressions of type scalar or instant vector, "
                   f'got "{TYPES[found["got"]]}"', start),
    (r"ranges only allowed for vector selectors", _same, lambda query, _: query.find("]") + 1),
    (r"(?:no expression|vector selector must|metric name must|set operator).*", _same, start),
    (r"(?:binary expression|wrong number|no grouping).*", _same, start),
    (r"label '.*", _same, lambda query, _: max(0, query.find(" on") - 1)),
)  # fmt: skip


def regexp_fault(pattern: str) -> str:
    """What is wrong with a regular expression and where, in the words of the server's library."""
    anchored = f"^(?:{pattern})$"
    if "[" in pattern and "]" not in pattern:
        return f"missing closing ]: `{anchored[anchored.index('[') :]}`"
    if pattern.count("(") > pattern.count(")"):
        return f"missing closing ): `{anchored}`"
    if pattern.count(")") > pattern.count("("):
        return f"unexpected ): `{anchored}`"
    operator = re.search(r"(?:^|[(|])([*+?]+)", pattern)
    return f"missing argument to repetition operator: `{operator[1] if operator else pattern}`"
