"""Files that people posted, read from Slack (the `Files` port): nothing is kept here."""

from urllib.parse import urlsplit

import aiohttp

from bot.domain.errors import SourceDown, SourceRefused
from bot.domain.investigations import PostedFile
from bot.slack.client import SlackClient

SECONDS = 15.0
PIECE = 65_536


class SlackFiles:
    """Reads by the bot's token, which goes to the API's host and to Slack's host for files beside it, nowhere else."""

    def __init__(self, client: SlackClient) -> None:
        self._client = client

    async def read(self, file: PostedFile, most: int) -> bytes:
        """The file's bytes, read no further than one beyond `most`. A redirect, which may lead anywhere, is a no."""
        if not self._is_slacks(file.url):
            raise SourceRefused("it does not lie with Slack")
        given = {"Authorization": f"Bearer {self._client.settings.bot_token}", "Accept-Encoding": "identity"}
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        try:
            async with self._client.session.get(
                file.url, headers=given, allow_redirects=False, timeout=timeout
            ) as response:
                if response.status != 200:  # Slack sends whoever may not read it to a page for signing in
                    raise SourceRefused("Slack does not give it to me; the app needs the scope files:read")
                return await _read(response, most)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SourceDown("Slack did not send it") from error

    def _is_slacks(self, url: str) -> bool:
        try:
            home, asked = urlsplit(self._client.settings.base_url), urlsplit(url)
            same = (asked.scheme, asked.hostname, asked.port) == (home.scheme, home.hostname, home.port)
        except ValueError:
            return False
        beside = (asked.scheme, asked.hostname, asked.port) == ("https", f"files.{home.hostname}", None)
        return (same or beside) and asked.username is None


async def _read(response: aiohttp.ClientResponse, most: int) -> bytes:
    found = bytearray()
    async for piece in response.content.iter_chunked(PIECE):
        found += piece
        if len(found) > most:
            break
    return bytes(found[: most + 1])
