"""Questions to the Domain Name System: names, answers, a resolver with a cache."""
