// The :names: that bots and people use most; an unknown one stays as it was written.

const NAMES = {
  "+1": "👍", thumbsup: "👍", "-1": "👎", thumbsdown: "👎", eyes: "👀", tada: "🎉", rocket: "🚀", fire: "🔥",
  rotating_light: "🚨", warning: "⚠️", white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", no_entry: "⛔",
  no_entry_sign: "🚫", red_circle: "🔴", large_red_circle: "🔴", large_orange_circle: "🟠", large_yellow_circle: "🟡",
  large_green_circle: "🟢", large_blue_circle: "🔵", white_circle: "⚪", black_circle: "⚫", hourglass: "⌛",
  hourglass_flowing_sand: "⏳", stopwatch: "⏱️", alarm_clock: "⏰", clock1: "🕐", bell: "🔔", no_bell: "🔕",
  mag: "🔍", mag_right: "🔎", chart_with_upwards_trend: "📈", chart_with_downwards_trend: "📉", bar_chart: "📊",
  memo: "📝", pencil: "✏️", clipboard: "📋", page_facing_up: "📄", file_folder: "📁", link: "🔗", bulb: "💡",
  wrench: "🔧", hammer_and_wrench: "🛠️", gear: "⚙️", package: "📦", lock: "🔒", unlock: "🔓", key: "🔑",
  shield: "🛡️", bug: "🐛", robot_face: "🤖", bird: "🐦", owl: "🦉", crescent_moon: "🌙", zap: "⚡", boom: "💥",
  question: "❓", exclamation: "❗", information_source: "ℹ️", arrow_up: "⬆️", arrow_down: "⬇️", arrow_right: "➡️",
  arrow_left: "⬅️", arrows_counterclockwise: "🔄", repeat: "🔁", rewind: "⏪", octagonal_sign: "🛑", stop_sign: "🛑",
  raised_hands: "🙌", clap: "👏", pray: "🙏", wave: "👋", ok_hand: "👌", point_right: "👉", thinking_face: "🤔",
  smile: "😄", slightly_smiling_face: "🙂", sweat_smile: "😅", grimacing: "😬", sob: "😭", heart: "❤️", "100": "💯",
  star: "⭐", sparkles: "✨", speech_balloon: "💬", thread: "🧵", mailbox: "📫", phone: "☎️", pager: "📟",
  computer: "💻", desktop_computer: "🖥️", floppy_disk: "💾", globe_with_meridians: "🌐", calendar: "📆",
  moneybag: "💰", money_with_wings: "💸", shopping_trolley: "🛒", credit_card: "💳", snail: "🐌", turtle: "🐢",
  ambulance: "🚑", fire_engine: "🚒", construction: "🚧", checkered_flag: "🏁", triangular_flag_on_post: "🚩",
  white_large_square: "⬜", black_large_square: "⬛", heavy_minus_sign: "➖", heavy_plus_sign: "➕", ok: "🆗",
};

export const emoji = (name) => NAMES[name.replace(/::skin-tone-\d/, "")] || `:${name}:`;
export const REACTIONS = ["+1", "eyes", "white_check_mark", "tada", "thinking_face"];
