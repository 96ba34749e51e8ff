"""What a source's settings take and refuse."""

import secrets

import pytest
from pydantic import ValidationError

from bot.sources._settings import HttpSettings


def test_a_user_in_the_url_is_moved_out() -> None:
    """Credentials inside a URL become settings, and the URL can be shown."""
    word = secrets.token_hex(6)
    settings = HttpSettings.model_validate({"url": f"https://jo%40x:{word}@prom.example:9090/base/"})
    assert (settings.url, settings.host) == ("https://prom.example:9090/base", "prom.example:9090")
    assert (settings.username, settings.password.get_secret_value()) == ("jo@x", word)
    assert word not in repr(settings)
    assert settings.secrets == (word,)


def test_the_api_path_is_no_part_of_the_base() -> None:
    """People copy the address with /api/v1; both forms mean the same server."""
    assert HttpSettings(url="http://prom:9090/x/api/v1").url == "http://prom:9090/x"


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"url": "prom:9090"}, "http://"),
        ({"url": "ftp://prom"}, "http://"),
        ({"url": "http://"}, "names a host"),
        ({"url": "http://prom?x=1"}, "no \\?"),
        ({"url": "http://prom", "token": "a", "username": "b"}, "give one of"),
        ({"url": "http://prom", "key_file": "k"}, "needs cert_file"),
        ({"url": "http://prom", "tokne": "a"}, "Extra inputs"),
        ({"url": "http://prom", "timeout": 0}, "greater than 0"),
    ],
)
def test_wrong_settings_stop_the_start(given: dict[str, object], word: str) -> None:
    """A mistake in the settings is named before anything runs."""
    with pytest.raises(ValidationError, match=word):
        HttpSettings.model_validate(given)
