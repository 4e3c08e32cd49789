"""DANE: the DNS says, authentically, what a mail host's certificate or key is (RFC 7672)."""
