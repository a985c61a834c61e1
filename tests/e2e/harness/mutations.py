"""Requests with one thing changed each, the same in every run: name -> octets."""

import re

METHODS = ("INVITE", "REGISTER", "MESSAGE", "OPTIONS")
COMPACT = {b"Via": b"v", b"From": b"f", b"To": b"t", b"Call-ID": b"i", b"Contact": b"m", b"Content-Type": b"c",
           b"Content-Length": b"l", b"Subject": b"s"}


def good(method, token):
    body = b"v=0\r\n" if method in ("INVITE", "MESSAGE") else b""
    lines = [f"{method} sip:9000@pbx.test SIP/2.0",
             f"Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK{token};rport",
             "Max-Forwards: 70",
             f'From: "Alice" <sip:501@pbx.test>;tag={token}',
             "To: <sip:9000@pbx.test>",
             f"Call-ID: {token}@203.0.113.9",
             f"CSeq: 7 {method}",
             "Contact: <sip:501@203.0.113.9:5060>",
             "Subject: lunch",
             "Content-Type: text/plain",
             f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def _line(name, text):
    """Puts `text` in place of the value of one header."""
    return lambda m: re.sub(rb"(?m)^" + name + rb": [^\r]*", lambda _: name + b": " + text, m)


def _without(name):
    return lambda m: re.sub(rb"\r\n" + name + rb": [^\r]*", b"", m)


def _twice(name):
    return lambda m: re.sub(rb"\r\n" + name + rb": [^\r]*", lambda found: found[0] * 2, m)


def _plus(line):
    return lambda m: m.replace(b"\r\nSubject:", b"\r\n" + line + b"\r\nSubject:")


def _uri(text):
    return lambda m: m.replace(b"sip:9000@pbx.test SIP", text + b" SIP", 1)


def _start(old, new):
    return lambda m: m.replace(old, new, 1)


def _headers(change):
    """Applies `change` to every header line."""
    def apply(m):
        head, body = m.split(b"\r\n\r\n", 1)
        first, *rest = head.split(b"\r\n")
        return b"\r\n".join([first, *map(change, rest)]) + b"\r\n\r\n" + body
    return apply


def _compact(line):
    name, value = line.split(b":", 1)
    return COMPACT.get(name, name) + b":" + value


def _via(old, new):
    return lambda m: m.replace(old, new, 1)


MUTATIONS = {
    "as-it-is": lambda m: m,
    "names-upper": _headers(lambda l: l.split(b":")[0].upper() + b":" + l.split(b":", 1)[1]),
    "names-compact": _headers(_compact),
    "names-spaced": _headers(lambda l: l.replace(b":", b" :", 1)),
    "values-folded": _headers(lambda l: l.replace(b": ", b":\r\n ", 1)),
    "values-tabbed": _headers(lambda l: l.replace(b": ", b":\t", 1)),
    "values-close": _headers(lambda l: l.replace(b": ", b":", 1)),
    "line-ends-lf": lambda m: m.replace(b"\r\n", b"\n"),
    "one-bare-lf": _start(b"70\r\n", b"70\n"),
    "one-bare-cr": _line(b"Subject", b"lu\rnch"),
    "fold-blank": _line(b"Subject", b"lunch\r\n  "),
    "nul-in-value": _line(b"Subject", b"lu\0nch"),
    "nul-in-name": _start(b"Subject", b"Sub\0ject"),
    "control-in-value": _line(b"Subject", b"lu\x01nch"),
    "latin1-in-value": _line(b"Subject", b"d\xe9jeuner"),
    "utf8-in-value": _line(b"Subject", "d\u00e9jeuner".encode()),
    "utf8-in-uri": _uri("sip:d\u00e9j@pbx.test".encode()),
    "line-without-colon": _plus(b"No colon here"),
    "line-without-name": _plus(b": nameless"),
    "name-with-space": _plus(b"Two Words: x"),
    "value-empty": _line(b"Subject", b""),
    "header-unknown": _plus(b"X-Odd: ;;,,;\"("),
    "header-long": _plus(b"X-Long: " + b"a" * 9000),
    **{f"without-{name.decode().lower()}": _without(name) for name in
       (b"Via", b"From", b"To", b"Call-ID", b"CSeq", b"Max-Forwards", b"Content-Length", b"Contact")},
    **{f"twice-{name.decode().lower()}": _twice(name) for name in
       (b"Via", b"From", b"To", b"Call-ID", b"CSeq", b"Max-Forwards", b"Content-Length", b"Contact", b"Subject")},
    "cseq-2-31": lambda m: m.replace(b"CSeq: 7", b"CSeq: 2147483648"),
    "cseq-2-32": lambda m: m.replace(b"CSeq: 7", b"CSeq: 4294967296"),
    "cseq-text": lambda m: m.replace(b"CSeq: 7", b"CSeq: seven"),
    "cseq-other-method": _line(b"CSeq", b"7 BYE"),
    "cseq-without-method": _line(b"CSeq", b"7"),
    "length-too-great": _line(b"Content-Length", b"50"),
    "length-with-more": lambda m: m + b"trailing octets",
    "length-text": _line(b"Content-Length", b"five"),
    "length-negative": _line(b"Content-Length", b"-1"),
    "length-signed": lambda m: m.replace(b"Content-Length: ", b"Content-Length: +"),
    "length-empty": _line(b"Content-Length", b""),
    "hops-text": _line(b"Max-Forwards", b"many"),
    "hops-256": _line(b"Max-Forwards", b"256"),
    "version-1": _start(b"SIP/2.0\r\n", b"SIP/1.0\r\n"),
    "version-lower": _start(b"SIP/2.0\r\n", b"sip/2.0\r\n"),
    "version-absent": _start(b" SIP/2.0\r\n", b"\r\n"),
    "start-two-spaces": _start(b" sip:", b"  sip:"),
    "start-tab": _start(b" SIP/2.0\r\n", b"\tSIP/2.0\r\n"),
    "start-trailing-space": _start(b"SIP/2.0\r\n", b"SIP/2.0 \r\n"),
    "method-odd": lambda m: re.sub(rb"^[A-Z]+", b"B@D", m),
    "method-unknown": lambda m: re.sub(rb"^[A-Z]+|(?<=7 )[A-Z]+", b"NOVEL", m),
    "uri-without-host": _uri(b"sip:"),
    "uri-bracketed": _uri(b"<sip:9000@pbx.test>"),
    "uri-with-space": _uri(b"sip:9000 @pbx.test"),
    "uri-port-0": _uri(b"sip:9000@pbx.test:0"),
    "uri-port-99999": _uri(b"sip:9000@pbx.test:99999"),
    "uri-port-text": _uri(b"sip:9000@pbx.test:sip"),
    "uri-unknown-scheme": _uri(b"gopher:9000"),
    "uri-tel": _uri(b"tel:+49891234"),
    "uri-sips": _uri(b"sips:9000@pbx.test"),
    "uri-headers": _uri(b"sip:9000@pbx.test?Route=a"),
    "uri-bad-escape": _uri(b"sip:90%0g@pbx.test"),
    "uri-escaped-crlf": _uri(b"sip:90%0d%0a@pbx.test"),
    "uri-two-ats": _uri(b"sip:a@b@pbx.test"),
    "uri-v6": _uri(b"sip:9000@[2001:db8::1]"),
    "uri-v6-bare": _uri(b"sip:9000@2001:db8::1"),
    "from-without-tag": _line(b"From", b"<sip:501@pbx.test>"),
    "from-open-quote": _line(b"From", b'"Alice <sip:501@pbx.test>;tag=1'),
    "from-open-bracket": _line(b"From", b"<sip:501@pbx.test;tag=1"),
    "from-comma-in-name": _line(b"From", b"Bell, Alice <sip:501@pbx.test>;tag=1"),
    "from-empty-parameter": _line(b"From", b"<sip:501@pbx.test>;;tag=1"),
    "from-two-values": _line(b"From", b"<sip:501@pbx.test>;tag=1, <sip:502@pbx.test>;tag=2"),
    "from-two-tags": _line(b"From", b"<sip:501@pbx.test>;tag=1;tag=2"),
    "from-empty": _line(b"From", b""),
    "to-bare": _line(b"To", b"sip:9000@pbx.test"),
    "to-question": _line(b"To", b"sip:9000@pbx.test?x=y"),
    "to-space": _line(b"To", b"<sip:9000@ pbx.test>"),
    "via-without-branch": lambda m: re.sub(rb";branch=[^;]*", b"", m, 1),
    "via-without-cookie": _via(b"z9hG4bK", b"old"),
    "via-bare-cookie": lambda m: re.sub(rb"branch=z9hG4bK[^;]*", b"branch=z9hG4bK", m, 1),
    "via-without-host": _via(b"UDP 203.0.113.9:5060", b"UDP "),
    "via-bad-port": _via(b"9:5060;", b"9:sip;"),
    "via-unknown-transport": _via(b"2.0/UDP", b"2.0/PIGEON"),
    "via-lower": _via(b"SIP/2.0/UDP", b"sip/2.0/udp"),
    "via-spaced": _via(b"SIP/2.0/UDP", b"SIP / 2.0 / UDP"),
    "via-empty-parameter": _via(b";rport", b";;rport"),
    "contact-star": _line(b"Contact", b"*"),
    "contact-question": _line(b"Contact", b"sip:501@203.0.113.9?x=y"),
    "contact-open-bracket": _line(b"Contact", b"<sip:501@203.0.113.9"),
    "without-end": lambda m: m.split(b"\r\n\r\n", 1)[0] + b"\r\n",
    "leading-line-ends": lambda m: b"\r\n\r\n" + m,
}


def all_of_them():
    for method in METHODS:
        for name, change in MUTATIONS.items():
            yield f"{name}/{method}", change(good(method, f"{method.lower()}{name}".replace("-", "")))
