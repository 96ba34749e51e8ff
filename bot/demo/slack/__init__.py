"""A Slack that runs on this machine: real Web API, Socket Mode, signed events, and a page to look at.

    async with Sandbox() as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        ...                                             # start the bot with slack.bot_token and slack.app_token
        await slack.wait_connected()
        asked = await slack.say("inc-checkout", "@nightjar why is checkout slow?", user="mira")
        answer = await slack.wait_for(lambda: slack.thread(asked["channel"], asked["ts"])[1:], timeout=5)
        await slack.press(answer[0], "deep_dive", user="sam")
        assert len(slack.calls("chat.postMessage")) == 1

`bot.demo.slack.sandbox.Sandbox(*, port, channels, people, limits, faults, seed, retry_delays, ack_timeout, now,
scopes)`

* **Credentials** `url`, `api_url`, `bot_token`, `app_token`, `signing_secret`; `await set_request_url(url)` changes
  from Socket Mode to signed HTTP.
* **People** (`mira` in Berlin, `sam` in New York; the bot is `nightjar`) `say`, `edit`, `delete`, `react`, `slash`,
  `press`, `shortcut`, `submit_view`, `close_view`, `open_home`, `stop`, `create_channel`, `invite_bot`, `dm`;
  `post_as_bot` is another app (Alertmanager) posting.
* **Looking** `thread`, `history`, `ephemeral`, `view`, `home`, `status`, `session`; `calls(method)` and `events(name)`
  return `Exchange(number, at, kind, name, sent, answer, status, attempt)`; `wait_for(predicate, timeout)`,
  `wait_connected(sockets)`, `settle()`.
* **Breaking** `fail(method, kind, times, seconds)` with kind `rate_limited`, `server_error`, `landed_error`,
  `landed_dropped`, `dropped`, `stall` or `landed_stall`; `drop_acks`, `kill_streams`, `disconnect`, `heal`,
  `limit(on)`, `go_away(seconds)`, `come_back`, `rate_limit_events`, and `tell(on)`: what happens meanwhile is never
  delivered;
  `faults={"chat.postMessage": 0.1}` with `seed` fails by chance, repeatably.

Slack's waits are real by default: an ack within 3 s, tries again at once, after 1 and after 5 minutes. Tests pass
`retry_delays=(0, 0.05, 0.05)`, `ack_timeout=0.3` and their own `now`. `python -m bot.demo.slack` runs it in a process
of its own; every verb is then `POST /_sandbox/do/{verb}` with a JSON object (`bot.demo.slack.remote.Remote`).
"""
