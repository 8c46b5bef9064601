"""What SES finds in DNS about an identity (Amazon SES Developer Guide, "Creating and verifying identities")."""

from __future__ import annotations

from ses_integration.emulator.dns.zone import Zone


class DnsProof:
    """Looks up the records that an identity's owner has to publish."""

    def __init__(self, zone: Zone, region: str) -> None:
        self._zone = zone
        self._region = region

    def has_token(self, domain: str, token: str) -> bool:
        return token in self._zone.values(f"_amazonses.{domain}", "TXT")

    def has_dkim(self, domain: str, tokens: list[str]) -> bool:
        """Whether each token's CNAME is published. False without tokens."""
        return bool(tokens) and all(
            f"{token}.dkim.amazonses.com" in self._hosts(f"{token}._domainkey.{domain}", "CNAME") for token in tokens
        )

    def has_mail_from(self, domain: str) -> bool:
        """Whether the MAIL FROM domain has exactly one MX, for SES's feedback host."""
        return self._hosts(domain, "MX") == [f"feedback-smtp.{self._region}.amazonses.com"]

    def _hosts(self, name: str, type: str) -> list[str]:
        return [value.rpartition(" ")[2].lower() for value in self._zone.values(name, type)]
