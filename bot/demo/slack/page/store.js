// What the page knows: the snapshot, kept fresh by the event stream, and the verbs it can send.

export const state = {
  users: new Map(), channels: new Map(), statuses: new Map(), sessions: new Map(), prompts: {}, homes: {},
  views: [], traffic: [], unread: new Map(), bot: "", offer: { commands: {}, shortcuts: {}, questions: [] },
  sockets: 0, limits: false, me: "", open: "", thread: "",
};

export const key = (channel, ts) => `${channel}/${ts}`;
export const people = () => [...state.users.values()].filter((user) => !user.is_bot);
export const me = () => state.users.get(state.me);
export const zone = () => (me() ? me().tz : undefined);
export const nameOf = (id) => (state.users.get(id) ? state.users.get(id).real_name : id === "USLACKBOT" ? "Slack" : id);
export const visible = (message) => !message.visible_to || message.visible_to === state.me;

export function channelName(channel) {
  if (!channel) return "";
  if (!channel.is_im) return channel.name;
  const other = channel.members.find((id) => id !== state.me);
  return nameOf(other || channel.user);
}

export const shownIn = (channel) => [...channel.messages.values()].filter((m) => visible(m) && (!m.thread_ts || m.thread_ts === m.ts || (m.visible_to && !channel.messages.has(m.thread_ts))));
export const repliesOf = (channel, ts) => [...channel.messages.values()].filter((m) => m.thread_ts === ts && m.ts !== ts && visible(m));

export async function act(verb, body) {
  let answer;
  try {
    const response = await fetch(`/_sandbox/do/${verb}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    answer = await response.json();
  } catch { throw new Error("The sandbox does not answer."); }
  if (!answer.ok) throw new Error(answer.error);
  return answer.result;
}

export async function bodies(number) {
  const response = await fetch(`/_sandbox/traffic?number=${number}`);
  return (await response.json()).traffic[0];
}

function takeChannel(body) {
  const known = state.channels.get(body.id);
  const messages = known ? known.messages : new Map();
  for (const message of body.messages || []) messages.set(message.ts, message);
  state.channels.set(body.id, { ...known, ...body, messages });
}

function takeSnapshot(data) {
  Object.assign(state, { bot: data.bot, prompts: data.prompts, homes: data.homes, views: data.views, traffic: data.traffic, offer: data.offer, sockets: data.sockets, limits: data.limits });
  state.users = new Map(data.users.map((user) => [user.id, user]));
  state.channels = new Map();
  data.channels.forEach(takeChannel);
  state.statuses = new Map(data.statuses.map((one) => [key(one.channel, one.thread_ts), one.status]));
  state.sessions = new Map(data.sessions.map((one) => [key(one.channel, one.thread_ts), one]));
}

function takeMessage(event) {
  const channel = state.channels.get(event.channel);
  if (!channel) return;
  const gone = event.kind === "message_deleted" || event.kind === "ephemeral_deleted";
  const message = event.message;
  if (gone) channel.messages.delete(message.ts);
  else channel.messages.set(message.ts, message);
  const root = message.thread_ts && channel.messages.get(message.thread_ts);
  if (root && root.ts !== message.ts && !message.visible_to) {
    const replies = repliesOf(channel, root.ts).filter((m) => !m.visible_to);
    root.reply_count = replies.length;
    root.latest_reply = replies.length ? replies[replies.length - 1].ts : undefined;
  }
  if ((event.kind === "message" || event.kind === "ephemeral") && channel.id !== state.open && message.user !== state.me && visible(message)) {
    state.unread.set(channel.id, (state.unread.get(channel.id) || 0) + 1);
  }
}

// What each kind of event changes; the page redraws by kind afterwards.
const TAKE = {
  snapshot: (event) => takeSnapshot(event.data),
  channel_created: (event) => takeChannel(event.data),
  im_created: (event) => takeChannel(event.data),
  member_joined_channel: (event) => takeChannel(event.data),
  topic: (event) => takeChannel(event.data),
  status: (event) => state.statuses.set(key(event.channel, event.data.thread_ts), event.data.status),
  session: (event) => state.sessions.set(key(event.channel, event.data.thread_ts), event.data),
  prompts: (event) => { state.prompts[event.channel] = event.data.prompts; },
  home_published: (event) => { state.homes[event.user] = event.data.view; },
  view_opened: (event) => { state.views = [...state.views.filter((v) => v.id !== event.data.view.id), { ...event.data.view, user: event.user }]; },
  view_updated: (event) => { state.views = state.views.map((v) => (v.id === event.data.view.id ? { ...event.data.view, user: event.user } : v)); },
  view_closed: (event) => { state.views = state.views.filter((v) => v.id !== event.data.view_id); },
  views_closed: (event) => { state.views = state.views.filter((v) => v.user !== event.user); },
  traffic: (event) => { state.traffic.push(event.data); if (state.traffic.length > 1000) state.traffic.shift(); },
  sockets: (event) => { state.sockets = event.data.sockets; },
};

export function listen(draw, lost) {
  const source = new EventSource("/_sandbox/live");
  source.onmessage = (raw) => {
    const event = JSON.parse(raw.data);
    if (event.message) takeMessage(event);
    else if (TAKE[event.kind]) TAKE[event.kind](event);
    lost(false);
    draw(event);
  };
  source.onerror = () => lost(true);
}
