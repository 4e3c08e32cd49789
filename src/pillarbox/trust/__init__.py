"""Whether mail is what it says it is: pure given a resolver and an instant."""
