// The reader of [[run]], [[run.event]] and [run.expect].
#include <algorithm>
#include <array>

#include "engine/lab/scenario_reader.hh"
#include "engine/share/policy.hh"

namespace weft::lab {

using model::TomlErrors;
using model::TomlTable;

namespace {

// In the order of Event::Do.
constexpr std::array kVerbs = {"silence", "heal", "impair", "link-down", "link-up", "flaps", "policy"};
static_assert(static_cast<std::size_t>(Event::Do::kPolicy) + 1 == kVerbs.size());

// Keys that belong to one verb only are refused for the others: they would have no effect.
void refuse_strangers(TomlTable& table, const Event& event) {
  const auto only_for = [&](Event::Do verb, std::initializer_list<const char*> keys) {
    for (const char* key : keys)
      if (event.what != verb && table.has(key))
        table.refuse(key, std::string("has no effect here; it belongs to do = \"") +
                              kVerbs[static_cast<std::size_t>(verb)] + "\"");
  };
  only_for(Event::Do::kImpair, {"rate_mbit", "delay_ms", "jitter_ms", "loss_percent", "queue_ms"});
  only_for(Event::Do::kFlaps, {"count", "seconds", "down_ms_min", "down_ms_max", "by_link_down"});
  only_for(Event::Do::kPolicy, {"policy"});
  if (event.what == Event::Do::kPolicy && table.has("links"))
    table.refuse("links", "has no effect here; a policy is that of all links");
}

void read_flaps(TomlTable& table, Event& event) {
  table.read("count", event.count, 1, kFlapsMax);
  table.read("seconds", event.seconds, 0.001, kSecondsMax);
  table.read("down_ms_min", event.down_ms_min, 1, 1e6);
  table.read("down_ms_max", event.down_ms_max, 1, 1e6);
  table.read("by_link_down", event.by_link_down);
  if (event.what != Event::Do::kFlaps) return;
  if (event.count == 0) table.refuse("count", "is missing; write how many flaps there are");
  if (event.seconds == 0) table.refuse("seconds", "is missing; write over how many seconds they are spread");
  if (event.down_ms_max < event.down_ms_min) table.refuse("down_ms_max", "is below down_ms_min; exchange them");
  const double each_ms = event.seconds * 1000 / event.count;     // one after the other
  if (event.down_ms_max > each_ms)
    table.refuse("down_ms_max", "is more than there is: " + std::to_string(event.count) +
                 " flaps one after the other have " +
                                    std::to_string(static_cast<int>(each_ms)) +
                                    " ms each; make it smaller, or seconds larger");
}

Event read_event(const toml::table* from, const Scenario& scenario, const Run& run, TomlErrors& errors) {
  TomlTable table(from, "run.event", errors);
  Event event;
  if (!table.has("do")) table.refuse("do", "is missing; write what happens, as do = \"silence\"");
  table.read("do", event.what, kVerbs);
  double at_s = 0, at_percent = 0;
  table.read("at_s", at_s, 0, kSecondsMax);
  table.read("at_percent", at_percent, 0, 100);
  if (table.has("at_s") && table.has("at_percent")) table.refuse("at_percent", "stands beside at_s; keep one of them");
  if (!table.has("at_s") && !table.has("at_percent"))
    table.refuse("at_s", "is missing; write when, as at_s or at_percent");
  if (table.has("at_s")) event.at_s = at_s;
  if (table.has("at_percent")) event.at_percent = at_percent;
  if (event.what != Event::Do::kPolicy) event.links = run.links;
  read_links(table, "links", scenario, event.links);
  read_shape(table, event.shape);
  share::Policy policy{};
  table.read("policy", policy, share::kPolicyNames);
  if (table.has("policy")) event.policy = share::name_of(policy);
  else if (event.what == Event::Do::kPolicy) table.refuse("policy", "is missing; write the policy's name");
  read_flaps(table, event);
  refuse_strangers(table, event);
  table.refuse_unknown_keys();
  return event;
}

void read_optional(TomlTable& table, const char* key, std::optional<double>& out, double max) {
  double value = 0;
  table.read(key, value, 0, max);
  if (table.has(key)) out = value;
}

// { left = 0.8, right = 0.2 }
void read_shares(TomlTable& table, const char* key, const Scenario& scenario, TomlErrors& errors,
                 std::map<std::size_t, double>& out) {
  const toml::table* from = table.table(key);
  if (from == nullptr) return;
  TomlTable shares(from, std::string("run.expect.") + key, errors);
  for (std::size_t i = 0; i < scenario.links.size(); ++i) {
    const char* const name = scenario.links[i].name.c_str();
    double share = 0;
    shares.read(name, share, 0, 1);
    if (shares.has(name)) out[i] = share;
  }
  shares.refuse_unknown_keys();
}

Expect read_expect(const toml::table* from, const Scenario& scenario, const Run& run, TomlErrors& errors) {
  TomlTable table(from, "run.expect", errors);
  Expect e;
  read_optional(table, "goodput_mbit_min", e.goodput_mbit_min, 1e6);
  read_optional(table, "of_sum_min", e.of_sum_min, 1);
  read_optional(table, "of_best_min", e.of_best_min, 100);
  read_shares(table, "of_shares", scenario, errors, e.of_shares);
  read_optional(table, "of_up_min", e.of_up_min, 1);
  read_shares(table, "link_share_min", scenario, errors, e.link_share_min);
  read_optional(table, "stall_ms_max", e.stall_ms_max, 1e6);
  read_optional(table, "event_stall_ms_max", e.event_stall_ms_max, 1e6);
  read_optional(table, "back_in_use_s_max", e.back_in_use_s_max, kSecondsMax);
  read_optional(table, "duplicate_share_max", e.duplicate_share_max, 1);
  read_optional(table, "tls_share_max", e.tls_share_max, 1);
  read_optional(table, "seconds_max", e.seconds_max, kSecondsMax);
  table.refuse_unknown_keys();
  const auto happens = [&](auto... verbs) {
    return std::ranges::any_of(run.events, [&](const Event& event) { return ((event.what == verbs) || ...); });
  };
  using Do = Event::Do;
  if (e.back_in_use_s_max && !happens(Do::kHeal, Do::kLinkUp, Do::kFlaps))
    table.refuse("back_in_use_s_max", "wants an event that heals a link; add one, or remove it");
  if (e.event_stall_ms_max && run.events.empty())
    table.refuse("event_stall_ms_max", "wants an event; add one, or write stall_ms_max");
  return e;
}

}  // namespace

void read_links(TomlTable& table, const char* key, const Scenario& scenario, std::vector<std::size_t>& out) {
  std::vector<std::string> names;
  table.read(key, names);
  if (!table.has(key)) return;
  out.clear();
  for (const std::string& name : names) {
    const std::size_t index = find_link(scenario.links, name);
    if (index == kMissing) {
      table.refuse(key, "holds \"" + name + "\", which is no [[link]] above; correct it");
      return;
    }
    if (std::ranges::find(out, index) == out.end()) out.push_back(index);
  }
  std::ranges::sort(out);
  if (out.empty()) table.refuse(key, "is empty; name at least one link");
}

Run read_run(const toml::table* from, const Scenario& scenario, TomlErrors& errors) {
  TomlTable table(from, "run", errors);
  Run run;
  run.line = from->source().begin.line;
  table.read("name", run.name);
  for (std::size_t i = 0; i < scenario.links.size(); ++i) run.links.push_back(i);
  read_links(table, "links", scenario, run.links);
  table.read("scale", run.scale, 0.001, 1000);
  table.read("deadline_s", run.deadline_s, 1, kSecondsMax);
  for (const toml::table* event : table.tables("event"))
    if (errors.first.empty()) run.events.push_back(read_event(event, scenario, run, errors));
  if (run.events.size() > kEventsMax)
    table.refuse("event", "stands more than " + std::to_string(kEventsMax) + " times; flaps are one event");
  run.expect = read_expect(table.table("expect"), scenario, run, errors);
  table.refuse_unknown_keys();
  return run;
}

}  // namespace weft::lab
