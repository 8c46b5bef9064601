"""More DNS situations: SPF, DMARC and MAIL FROM. test_situations.py runs them."""

from __future__ import annotations

from domains.tests.dns.situations import (
    DMARC,
    FEEDBACK,
    MAIL_FROM_MX,
    MAIL_FROM_SPF,
    MISSING,
    SPF,
    VERIFIED,
    WRONG,
    Situation,
)

LONG = " ".join(f"ip4:192.0.2.{number}" for number in range(40))
assert len(LONG) > 2 * 255


def _spf(*texts: str, more: str = "") -> str:
    return "\n".join(f'@ TXT "{text}"' for text in texts) + f"\n{more}"


def _strings(text: str) -> str:
    """The text as strings of at most 255 characters."""
    return " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255))


SPF_RECORD = {
    "SPF as shown": Situation(SPF, _spf("v=spf1 include:amazonses.com ~all"), VERIFIED),
    "no TXT": Situation(SPF, "@ A 192.0.2.1", MISSING, "No SPF record was found at example.com"),
    "only a site token": Situation(SPF, _spf("google-site-verification=abc"), MISSING, "No SPF record"),
    "SPF between site tokens": Situation(
        SPF, _spf("google-site-verification=abc", "v=spf1 include:amazonses.com -all", "MS=ms1"), VERIFIED
    ),
    "SPF with more senders": Situation(
        SPF, _spf("v=spf1 a mx ip4:192.0.2.0/24 ip6:2001:db8::/32 include:amazonses.com include:x.net -all"), VERIFIED
    ),
    "SPF over 255 bytes": Situation(SPF, f"@ TXT {_strings(f'v=spf1 {LONG} include:amazonses.com -all')}", VERIFIED),
    "SPF split within the include": Situation(SPF, '@ TXT "v=spf1 include:amazon" "ses.com ~all"', VERIFIED),
    "SPF split without the blank between its strings": Situation(
        SPF, '@ TXT "v=spf1 include:example.net" "include:amazonses.com ~all"', WRONG, "does not let SES send"
    ),
    "SPF in another case": Situation(SPF, _spf("V=SPF1 INCLUDE:AmazonSES.com ~ALL"), VERIFIED),
    "SPF with double blanks": Situation(SPF, _spf("v=spf1  include:amazonses.com   ~all "), VERIFIED),
    "SPF without all": Situation(SPF, _spf("v=spf1 include:amazonses.com"), VERIFIED),
    "SPF with a plus before include": Situation(SPF, _spf("v=spf1 +include:amazonses.com -all"), VERIFIED),
    "SPF with a dot after the name": Situation(SPF, _spf("v=spf1 include:amazonses.com. -all"), VERIFIED),
    "SPF that redirects to SES": Situation(SPF, _spf("v=spf1 redirect=amazonses.com"), VERIFIED),
    "SPF at an alias": Situation(SPF, '@ CNAME x.net.\nx.net. TXT "v=spf1 include:amazonses.com -all"', VERIFIED),
    "SPF without SES": Situation(SPF, _spf("v=spf1 mx -all"), WRONG, "add include:amazonses.com"),
    "SPF for nobody": Situation(SPF, _spf("v=spf1 -all"), WRONG, "add include:amazonses.com"),
    "SPF that lets SES fail": Situation(SPF, _spf("v=spf1 -include:amazonses.com ~all"), WRONG, "add include"),
    "SPF that lets SES fail softly": Situation(SPF, _spf("v=spf1 ~include:amazonses.com -all"), WRONG, "add include"),
    "SPF that is neutral to SES": Situation(SPF, _spf("v=spf1 ?include:amazonses.com -all"), WRONG, "add include"),
    "SPF with the include after all": Situation(
        SPF, _spf("v=spf1 -all include:amazonses.com"), WRONG, "before its last term"
    ),
    "SPF with a redirect that all hides": Situation(SPF, _spf("v=spf1 -all redirect=amazonses.com"), WRONG, "add"),
    "SPF for another name of Amazon": Situation(SPF, _spf("v=spf1 include:eu.amazonses.com -all"), WRONG, "add"),
    "SPF with a name that begins like SES": Situation(
        SPF, _spf("v=spf1 include:amazonses.com.example.net -all"), WRONG, "add include:amazonses.com"
    ),
    "two SPF records": Situation(
        SPF, _spf("v=spf1 include:amazonses.com ~all", "v=spf1 mx -all"), WRONG, "has 2 SPF records"
    ),
    "SPF with a blank instead of a colon": Situation(
        SPF, _spf("v=spf1 include amazonses.com ~all"), WRONG, "'include'"
    ),
    "SPF with an unknown term": Situation(SPF, _spf("v=spf1 include:amazonses.com foo ~all"), WRONG, "'foo'"),
    "SPF with a dot after all": Situation(SPF, _spf("v=spf1 include:amazonses.com ~all."), WRONG, "'~all.'"),
    "SPF with an unknown modifier": Situation(SPF, _spf("v=spf1 include:amazonses.com x-note=a ~all"), VERIFIED),
    "SPF of a version that does not exist": Situation(SPF, _spf("v=spf10 include:amazonses.com"), WRONG, "exactly as"),
    "SPF in quotation marks": Situation(
        SPF, _spf('\\"v=spf1 include:amazonses.com ~all\\"'), WRONG, "do not take the text at example.com for SPF"
    ),
    "SPF after a blank": Situation(SPF, _spf(" v=spf1 include:amazonses.com ~all"), WRONG, "exactly as"),
    "SPF with a tab after the version": Situation(SPF, _spf("v=spf1\\009include:amazonses.com"), WRONG, "exactly as"),
    "SPF with a tab before all": Situation(SPF, _spf("v=spf1 include:amazonses.com\\009~all"), WRONG, "does not"),
    "SPF that includes SES by another record": Situation(
        SPF,
        _spf("v=spf1 include:_spf.example.com -all", more='_spf TXT "v=spf1 include:amazonses.com ~all"'),
        VERIFIED,
    ),
    "SPF that redirects to a record with SES": Situation(
        SPF, _spf("v=spf1 redirect=_spf.example.com", more='_spf TXT "v=spf1 include:amazonses.com ~all"'), VERIFIED
    ),
    "SPF that includes SES two records further": Situation(
        SPF,
        _spf(
            "v=spf1 include:a.net -all",
            more='a.net. TXT "v=spf1 include:b.net ~all"\nb.net. TXT "v=spf1 include:amazonses.com ~all"',
        ),
        VERIFIED,
    ),
    "SPF that includes itself": Situation(SPF, _spf("v=spf1 include:example.com -all"), WRONG, "add include"),
    "SPF whose include has two records": Situation(
        SPF,
        _spf("v=spf1 include:a.net -all", more='a.net. TXT "v=spf1 include:amazonses.com"\na.net. TXT "v=spf1 -all"'),
        WRONG,
        "add include:amazonses.com",
    ),
    "SPF with a macro": Situation(SPF, _spf("v=spf1 include:%{i}.x.net -all"), WRONG, "add include:amazonses.com"),
}

DMARC_RECORD = {
    "DMARC as shown": Situation(
        DMARC,
        '_dmarc TXT "v=DMARC1; p=none; rua=mailto:dmarc@example.com; ruf=mailto:dmarc@example.com; fo=1; aspf=r; adkim=r"',
        VERIFIED,
    ),
    "no DMARC": Situation(DMARC, "", MISSING, "No DMARC record was found at _dmarc.example.com"),
    "DMARC that quarantines": Situation(DMARC, '_dmarc TXT "v=DMARC1; p=quarantine; pct=50"', VERIFIED),
    "DMARC that rejects": Situation(DMARC, '_dmarc TXT "v=DMARC1;p=reject;rua=mailto:d@example.net"', VERIFIED),
    "DMARC with the policy at the end": Situation(DMARC, '_dmarc TXT "v=DMARC1; adkim=s; p=reject"', VERIFIED),
    "DMARC in another case": Situation(DMARC, '_dmarc TXT "V=DMARC1; P=REJECT"', VERIFIED),
    "DMARC with a version in lower case": Situation(
        DMARC, '_dmarc TXT "v=dmarc1; p=none"', WRONG, "Receivers do not take the text at _dmarc.example.com for DMARC"
    ),
    "DMARC with blanks around the signs": Situation(DMARC, '_dmarc TXT "v = DMARC1 ; p = none ;"', VERIFIED),
    "DMARC at a provider's alias": Situation(
        DMARC, '_dmarc CNAME d.example.net.\nd.example.net. TXT "v=DMARC1; p=none"', VERIFIED
    ),
    "DMARC over 255 bytes": Situation(
        DMARC, f"_dmarc TXT {_strings('v=DMARC1; p=none; rua=' + ','.join(['mailto:d@example.net'] * 30))}", VERIFIED
    ),
    "DMARC next to another text": Situation(DMARC, '_dmarc TXT "v=DMARC1; p=none"\n_dmarc TXT "x"', VERIFIED),
    "two DMARC records": Situation(
        DMARC, '_dmarc TXT "v=DMARC1; p=none"\n_dmarc TXT "v=DMARC1; p=reject"', WRONG, "has 2 DMARC records"
    ),
    "DMARC without a policy": Situation(DMARC, '_dmarc TXT "v=DMARC1; rua=mailto:d@example.net"', WRONG, "add p=none"),
    "DMARC with only a policy for sub-domains": Situation(DMARC, '_dmarc TXT "v=DMARC1; sp=none"', WRONG, "add p="),
    "DMARC with an unknown policy": Situation(DMARC, '_dmarc TXT "v=DMARC1; p=block"', WRONG, "no valid policy"),
    "DMARC without semicolons": Situation(DMARC, '_dmarc TXT "v=DMARC1 p=none"', WRONG, "for DMARC"),
    "DMARC with the version at the end": Situation(DMARC, '_dmarc TXT "p=none; v=DMARC1"', WRONG, "for DMARC"),
    "a wildcard answers instead of DMARC": Situation(DMARC, '* TXT "v=spf1 -all"', MISSING, "No DMARC record"),
    "DMARC of the registered domain covers a sub-domain": Situation(
        DMARC, '_dmarc.example.co.uk. TXT "v=DMARC1; p=reject"', VERIFIED, domain="a.b.example.co.uk"
    ),
    "DMARC of a parent below the registered domain": Situation(
        DMARC, '_dmarc.b.example.com. TXT "v=DMARC1; p=reject"', MISSING, "_dmarc.a.b", domain="a.b.example.com"
    ),
    "DMARC of the registered domain covers a sub-domain with a text that is none": Situation(
        DMARC,
        '_dmarc TXT "v=DMARC1 p=none"\n_dmarc.example.com. TXT "v=DMARC1; p=reject"',
        VERIFIED,
        domain="mail.example.com",
    ),
    "a sub-domain's own DMARC counts before its parent's": Situation(
        DMARC,
        '_dmarc TXT "v=DMARC1"\n_dmarc.example.com. TXT "v=DMARC1; p=reject"',
        WRONG,
        "_dmarc.mail.example.com has no valid policy",
        domain="mail.example.com",
    ),
}

MAIL_FROM = {
    "the MAIL FROM MX is as shown": Situation(MAIL_FROM_MX, f"mail MX 10 {FEEDBACK}.", VERIFIED),
    "no MAIL FROM MX": Situation(MAIL_FROM_MX, "", MISSING, "No MX record was found at mail.example.com"),
    "the MAIL FROM MX in another case with another preference": Situation(
        MAIL_FROM_MX, f"MAIL MX 1 {FEEDBACK.upper()}.", VERIFIED
    ),
    "a second MX for MAIL FROM": Situation(
        MAIL_FROM_MX, f"mail MX 10 {FEEDBACK}.\nmail MX 20 mx.example.net.", WRONG, "SES requires exactly one"
    ),
    "the MAIL FROM MX of another region": Situation(
        MAIL_FROM_MX, "mail MX 10 feedback-smtp.us-east-1.amazonses.com.", WRONG, "the region us-east-1"
    ),
    "our inbound host for MAIL FROM": Situation(
        MAIL_FROM_MX, "mail MX 10 inbound-smtp.eu-west-1.amazonaws.com.", WRONG, f"replace it with {FEEDBACK}"
    ),
    "a null MX for MAIL FROM": Situation(MAIL_FROM_MX, "mail MX 0 .", WRONG, "null MX"),
    "MAIL FROM SPF as shown": Situation(MAIL_FROM_SPF, 'mail TXT "v=spf1 include:amazonses.com ~all"', VERIFIED),
    "MAIL FROM SPF that is stricter": Situation(
        MAIL_FROM_SPF, 'mail TXT "v=spf1 include:amazonses.com -all"', VERIFIED
    ),
    "MAIL FROM SPF that is neutral at the end": Situation(
        MAIL_FROM_SPF, 'mail TXT "v=spf1 include:amazonses.com ?all"', VERIFIED
    ),
    "no MAIL FROM SPF": Situation(MAIL_FROM_SPF, f"mail MX 10 {FEEDBACK}.", MISSING, "at mail.example.com"),
    "the SPF of the domain does not cover MAIL FROM": Situation(
        MAIL_FROM_SPF, '@ TXT "v=spf1 include:amazonses.com ~all"', MISSING, "at mail.example.com"
    ),
    "two SPF records for MAIL FROM": Situation(
        MAIL_FROM_SPF, 'mail TXT "v=spf1 include:amazonses.com"\nmail TXT "v=spf1 -all"', WRONG, "has 2 SPF records"
    ),
}
