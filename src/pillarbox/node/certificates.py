"""The TLS contexts that a configuration asks for."""

from __future__ import annotations

from pillarbox.config.settings import Settings
from pillarbox.errors import ConfigurationError
from pillarbox.net.tls import TlsContexts


def load_certificates(settings: Settings) -> TlsContexts | None:
    """Reads the certificates; None where there are none and no listener needs one.

    Raises ConfigurationError, which names the file or the listener.
    """
    if settings.tls.certificates:
        return TlsContexts(settings.tls)
    for listener in settings.listener:
        if listener.tls != "none":
            raise ConfigurationError(
                f"Listener {listener.name!r} speaks TLS, but there is no certificate. Name one "
                'under [[tls.certificates]], or set the listener\'s tls to "none".'
            )
    return None
