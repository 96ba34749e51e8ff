"""Find the plugins in a room: one file, one plugin. A broken or doubled one stops the start."""

import importlib
import pkgutil
from types import ModuleType
from typing import TypeVar

from bot.domain.errors import PluginError
from bot.domain.plugin import Plugin

T = TypeVar("T", bound=Plugin)


def discover(package: ModuleType, constant: str, kind: type[T]) -> dict[str, T]:
    """Every plugin of `package` by name; a file named with a leading underscore, or without the constant, is none."""
    found: dict[str, T] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        if info.name.startswith("_") or info.ispkg:
            continue
        plugin = _load(f"{package.__name__}.{info.name}", constant, kind)
        if plugin is None:
            continue
        if plugin.name in found:
            raise PluginError(f"two plugins of {package.__name__} are called {plugin.name!r}; rename one")
        found[plugin.name] = plugin
    return found


def _load(module_name: str, constant: str, kind: type[T]) -> T | None:
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # whatever a plugin file raises on import must stop the start, named
        raise PluginError(f"{module_name} cannot be imported: {error}") from error
    plugin = getattr(module, constant, None)
    if plugin is not None and not isinstance(plugin, kind):
        raise PluginError(f"{module_name}.{constant} is no {kind.__name__}")
    return plugin
