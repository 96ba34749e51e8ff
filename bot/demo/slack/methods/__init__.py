"""The Web API, method by method: one table from the method's name to what answers it."""

from bot.demo.slack.methods import apps, assistant, chat, conversations, files, people, streams, views
from bot.demo.slack.methods.method import Method

METHODS: dict[str, Method] = {
    method.name: method
    for room in (apps, assistant, chat, conversations, files, people, streams, views)
    for method in room.METHODS
}
