"""The webmail in a browser: section 5's targets, JMAP under load, Roundcube on the same machine."""
