"""MTA-STS: a domain says over HTTPS that its mail hosts have TLS and what they are called."""
