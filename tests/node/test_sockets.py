"""Sockets of workers: bound once, told apart, given back."""

from __future__ import annotations

import socket
import stat

import pytest

from pillarbox.config.loading import parse
from pillarbox.config.settings import Settings
from pillarbox.config.writing import to_toml
from pillarbox.errors import ConfigurationError
from pillarbox.node.sockets import SocketPool


@pytest.fixture
def pool():
    made = SocketPool()
    yield made
    made.close()


def settings_for(folder, **addresses: str) -> Settings:
    listeners = [
        {"name": name, "role": "imap", "addresses": [address]}
        for name, address in addresses.items()
    ]
    text = to_toml({"store": {"data_dir": str(folder)}, "listener": listeners})
    return parse(text.encode(), "p.toml", folder)


def port_of(pool: SocketPool, settings: Settings, name: str) -> int:
    return int(pool.addresses(settings)[name][0].rpartition(":")[2])


def test_each_worker_has_its_own_socket_on_the_same_port(tmp_path, pool):
    settings = settings_for(tmp_path, a="127.0.0.1:0")
    pool.bind(settings, 3)
    bound = [pool.of_slot(settings, slot)[0][1] for slot in range(3)]
    assert len({one.fileno() for one in bound}) == 3
    assert len({one.getsockname() for one in bound}) == 1
    for _ in range(20):
        socket.create_connection(bound[0].getsockname()).close()


def test_a_taken_port_is_refused_though_reuseport_would_share_it(tmp_path, pool):
    settings = settings_for(tmp_path, a="127.0.0.1:0")
    pool.bind(settings, 1)
    port = port_of(pool, settings, "a")
    other = SocketPool()
    with pytest.raises(ConfigurationError, match=f"already listens on 127.0.0.1:{port}"):
        other.bind(settings_for(tmp_path, b=f"127.0.0.1:{port}"), 2)


def test_nothing_is_kept_of_a_bind_that_failed(tmp_path, pool):
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        socket.create_server(("127.0.0.1", 0)) as freed,
    ):
        port, free = taken.getsockname()[1], freed.getsockname()[1]
        freed.close()
        settings = settings_for(tmp_path, a=f"127.0.0.1:{free}", b=f"127.0.0.1:{port}")
        with pytest.raises(ConfigurationError):
            pool.bind(settings, 1)
        socket.create_server(("127.0.0.1", free)).close()


def test_a_star_is_both_families(tmp_path, pool):
    settings = settings_for(tmp_path, a="*:0")
    pool.bind(settings, 1)
    families = {bound.family for _, bound in pool.of_slot(settings, 0)}
    assert socket.AF_INET in families
    assert families <= {socket.AF_INET, socket.AF_INET6}


def test_other_settings_keep_the_sockets_that_they_share(tmp_path, pool):
    before = settings_for(tmp_path, a="127.0.0.1:0", b="127.0.0.1:0")
    pool.bind(before, 2)
    kept = pool.of_slot(before, 1)[0][1]
    after = settings_for(tmp_path, a="127.0.0.1:0", c="127.0.0.1:0")
    pool.bind(after, 1)
    assert len(pool.of_slot(before, 1)) == 2
    pool.trim(after, 1)
    assert [name for name, _ in pool.of_slot(after, 0)] == ["a", "c"]
    assert kept.fileno() == -1, "slot 1 is gone"


def test_a_new_name_and_a_written_port_keep_the_socket(tmp_path, pool):
    before = settings_for(tmp_path, a="127.0.0.1:0")
    pool.bind(before, 1)
    (_, bound) = pool.of_slot(before, 0)[0]
    after = settings_for(tmp_path, b=f"127.0.0.1:{port_of(pool, before, 'a')}")
    pool.bind(after, 1)
    pool.trim(after, 1)
    assert pool.of_slot(after, 0) == [("b", bound)]
    assert bound.fileno() != -1


def test_an_address_can_be_narrowed(tmp_path, pool):
    before = settings_for(tmp_path, a="0.0.0.0:0")
    pool.bind(before, 2)
    after = settings_for(tmp_path, a=f"127.0.0.1:{port_of(pool, before, 'a')}")
    pool.bind(after, 2)
    pool.trim(after, 2)
    assert pool.addresses(after) == {"a": [f"127.0.0.1:{port_of(pool, after, 'a')}"]}


def test_a_unix_socket_has_its_mode_and_goes_in_the_end(tmp_path, pool):
    settings = settings_for(tmp_path, a="unix:run/a.sock")
    pool.bind(settings, 2)
    path = tmp_path / "run/a.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert pool.of_slot(settings, 0)[0][1] is pool.of_slot(settings, 1)[0][1]
    pool.close()
    assert not path.exists()


def test_a_socket_left_by_a_killed_server_is_replaced(tmp_path, pool):
    path = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    pool.bind(settings_for(tmp_path, a="unix:a.sock"), 1)


def test_a_socket_in_use_and_another_file_are_left_alone(tmp_path, pool):
    with socket.socket(socket.AF_UNIX) as used:
        used.bind(str(tmp_path / "a.sock"))
        used.listen()
        with pytest.raises(ConfigurationError, match="another server listens"):
            pool.bind(settings_for(tmp_path, a="unix:a.sock"), 1)
    (tmp_path / "b.sock").write_text("mine")
    with pytest.raises(ConfigurationError, match="another file"):
        pool.bind(settings_for(tmp_path, b="unix:b.sock"), 1)
    assert (tmp_path / "b.sock").read_text() == "mine"


def test_an_address_of_another_computer(tmp_path, pool):
    with pytest.raises(ConfigurationError, match="does not have the address"):
        pool.bind(settings_for(tmp_path, a="192.0.2.1:0"), 1)


def test_sockets_of_systemd_serve_the_listener_of_their_name(tmp_path):
    passed = socket.create_server(("127.0.0.1", 0))
    pool = SocketPool({"a": [passed]})
    settings = settings_for(tmp_path, a="127.0.0.1:1", b="127.0.0.1:0")
    pool.bind(settings, 2)
    assert ("a", passed) in pool.of_slot(settings, 0)
    assert ("a", passed) in pool.of_slot(settings, 1)
    pool.close()
