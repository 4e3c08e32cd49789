"""What the other browser tests stand on: the server, its mail, and the programs beside."""

from __future__ import annotations

from support.browsing import MANY
from support.web_site import FEW, Site


def test_people_read_the_same_mail_at_every_door(site: Site) -> None:
    person = site.new_person(25)
    site.send(person, b"Subject: One more\r\n\r\nHello.\r\n")
    with site.imap(person) as imap:
        assert imap.select() == ("OK", [b"26"])
        _, found = imap.search(None, "SUBJECT", '"One more"')
        assert found == [b"26"]
        _, kinds = imap.search(None, "NOT", "SEEN")
        assert 1 < len(kinds[0].split()) < 26
    with site.pop3(person) as pop3:
        count, _ = pop3.stat()
        assert count == 26


def test_the_large_mailbox_is_as_large_as_told(large_site: Site) -> None:
    with large_site.imap(large_site.alice) as imap:
        assert imap.select() == ("OK", [b"%d" % MANY])
        _, found = imap.search(None, "SUBJECT", "Invoice")
        assert MANY / 50 < len(found[0].split()) < MANY / 2
        assert imap.select("Projects/Harbour") == ("OK", [b"%d" % FEW])
