"""What a message says, read and judged once for every method that posts or edits."""

import json
import secrets
from dataclasses import dataclass
from typing import Any

from bot.demo.slack.arguments import Arguments
from bot.demo.slack.blocks import MAX_TOTAL_TEXT, faults_of, text_length
from bot.demo.slack.records import Json, Refused
from bot.demo.slack.stream import MAX_MARKDOWN
from bot.demo.slack.workspace import Workspace

MAX_TEXT = 40_000  # longer text is cut, not refused
MAX_METADATA_BYTES = 16_000


@dataclass(frozen=True)
class Content:
    """The parts of a message that were given; None means not given."""

    text: str
    markdown: str | None = None
    blocks: list[Json] | None = None
    attachments: list[Json] | None = None
    metadata: Json | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.text or self.markdown or self.blocks or self.attachments)


def read_content(workspace: Workspace, args: Arguments) -> Content:
    """The content of a call; raises Slack's codes for what it would not take."""
    markdown = args.text("markdown_text") or None
    blocks = read_blocks(workspace, args)
    if markdown and (args.text("text") or blocks):
        raise Refused("markdown_text_conflict")
    if markdown and len(markdown) > MAX_MARKDOWN:
        raise Refused("msg_too_long")
    attachments = args.value("attachments", "invalid_attachments")
    return Content(
        text=(markdown or args.text("text"))[:MAX_TEXT],
        markdown=markdown,
        blocks=blocks,
        attachments=attachments if isinstance(attachments, list) else None,
        metadata=read_metadata(args),
    )


def read_blocks(workspace: Workspace, args: Arguments) -> list[Json] | None:
    """The call's blocks; raises `invalid_blocks_format`, `invalid_blocks` or `msg_blocks_too_long`."""
    blocks = args.value("blocks", "invalid_blocks_format")
    if blocks is None:
        return None
    check_blocks(workspace, blocks)
    if text_length(blocks) > MAX_TOTAL_TEXT:
        raise Refused("msg_blocks_too_long")
    return with_ids(blocks)


def with_ids(blocks: list[Json]) -> list[Json]:
    """The blocks, each with a block_id as Slack gives one where the app did not."""
    named = []
    for block in blocks:
        whole: Json = {"block_id": secrets.token_urlsafe(4)} | block
        if whole["type"] == "container":
            whole["child_blocks"] = with_ids(whole["child_blocks"])
        named.append(whole)
    return named


def check_blocks(workspace: Workspace, blocks: Any) -> None:
    """Refuse what Slack would refuse, saying where."""
    found = faults_of(blocks)
    if not found:
        for block in blocks:
            file_id = (block.get("slack_file") or {}).get("id")
            if file_id and not workspace.files.get(file_id):
                found.append("invalid slack file")
    if found:
        raise Refused("invalid_blocks", *(f"[ERROR] {fault}" for fault in found))


def read_metadata(args: Arguments) -> Json | None:
    """Message metadata; raises `invalid_metadata_format` or `metadata_too_large`."""
    metadata = args.value("metadata", "invalid_metadata_format")
    if metadata is None or metadata == {}:
        return None if metadata is None else {}
    named = isinstance(metadata, dict) and isinstance(metadata.get("event_type"), str)
    if not (named and isinstance(metadata.get("event_payload"), dict)) and "entities" not in metadata:
        raise Refused("invalid_metadata_format")
    if len(json.dumps(metadata).encode()) > MAX_METADATA_BYTES:
        raise Refused("metadata_too_large")
    return dict(metadata)
