"""Which words a chat client would turn into a link on its own."""

# Country codes, the generic names seen most, and the reserved names that stand for them in examples.
_COUNTRIES = """
ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bv bw by bz ca cc cd
cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gb gd ge
gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki
km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my
mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se
sg sh si sj sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz
va vc ve vg vi vn vu wf ws ye yt za zm zw
"""
_GENERIC = """
academy accountant ads agency app asia auction autos bar beauty best bet bid bike bio biz blog bond boo bot build
business buzz cam camp capital care cash casino cat center chat cheap church city claims click clinic cloud club codes
coffee college com community company computer construction contact cool coop country coupons cricket cyou date dating
day dental design dev digital direct directory dog domains download earth education email energy engineering
enterprises equipment esq events exchange expert express faith family fan farm fashion fax fit foo football forsale
foundation fun fund fyi gallery game games gay gdn gift gold goog google gov gratis group guide guru hair health help
holdings homes host hosting house how icu inc info ing ink institute int investments jetzt jobs kim land lat law legal
lgbt life limited link live llc loan lol london ltd market marketing mba media men menu microsoft mil mobi moe mom
money mov movie museum nexus name net network new news ngo ninja nyc observer one ong onion onl online ooo org page
partners parts party pet phd photo photos pics pictures pink pizza place plus porn press pro prod productions
properties pub quest racing realty recipes red rehab ren rent repair report reports review reviews rip rocks rsvp run
sale sbs school science security select services sex sexy shop show site ski skin soccer social software solar
solutions space store stream studio style support surf systems tattoo tax team tech technology tel tickets tips tires
tk today tools top tours town toys trade trading training travel university uno ventures vet video vip vote wang watch
webcam website wiki win work works world wtf xin xxx xyz yoga zip zone
example invalid test
"""
_LINKED = frozenset((_COUNTRIES + _GENERIC).split())
# Endings that in an incident are far more often a file or an attribute (deploy.sh, service.name) than a site.
_WORDLIKE = frozenset(["cc", "id", "md", "name", "pl", "ps", "py", "rs", "run", "sh", "so"])


def is_linked(host: str) -> bool:
    """Whether a chat client may make a link of these dotted words: the last one is a top-level domain."""
    last = host.rpartition(".")[2].lower()
    return last in _LINKED or last.startswith("xn--") or (not last.isascii() and last.isalpha())


def is_wordlike(host: str) -> bool:
    """Whether the dotted words are probably a file name or an attribute."""
    return host.rpartition(".")[2].lower() in _WORDLIKE
