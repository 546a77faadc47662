import socket

import pytest


def test_tests_cannot_reach_beyond_this_machine() -> None:
    with socket.socket() as one, pytest.raises(OSError, match="beyond this machine"):
        one.connect(("192.0.2.1", 80))
