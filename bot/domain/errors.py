"""Every error Nightjar raises on purpose.

NightjarError
  SetupError         the process must not start; the message says what to set
    PluginError      a plugin file is broken or two share a name
  ToolError          the model sees the message
    BadArguments     the model should correct its call and try again
    SourceError      the model should go on without this source
      SourceDown     the source did not answer
      SourceRefused  the source answered, and said no
  ReplyError         the chat service did not take a message
"""


class NightjarError(Exception):
    """Something went wrong in Nightjar."""


class SetupError(NightjarError):
    """The settings do not allow a start."""


class PluginError(SetupError):
    """A plugin file cannot be used."""


class ToolError(NightjarError):
    """The tool failed; the model is told why."""


class BadArguments(ToolError):
    """The call does not fit the tool."""


class SourceError(ToolError):
    """A data source could not be used."""


class SourceDown(SourceError):
    """The data source did not answer."""


class SourceRefused(SourceError):
    """The data source refused the query."""


class ReplyError(NightjarError):
    """The chat service did not take a message."""
