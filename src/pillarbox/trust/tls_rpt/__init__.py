"""TLS reports: how well others reached a domain's mail hosts by TLS, told once a day (RFC 8460)."""
