// GET /rest/events?since=N&limit=N&timeout=S&events=A,B: what happened after event N, in Syncthing's envelope. Where nothing
// has, it waits for up to `timeout` seconds (60) and answers with an empty list then. Only weft's own events are there
// (engine/api/README.md); names that are not ours match nothing.
#include <algorithm>

#include "engine/api/handlers.hh"
#include "engine/api/json_text.hh"
#include "engine/api/text.hh"

namespace weft::api {
namespace {

constexpr std::uint64_t kTimeoutS = 60, kTimeoutSMax = 600;

struct Question {
  std::uint64_t since = 0, limit = 0, timeout_s = kTimeoutS;   // limit 0: none
  std::vector<std::string> types;                              // empty: all

  [[nodiscard]] bool wants(const run::Event& event) const {
    return event.id > since && (types.empty() || std::ranges::find(types, event.type) != types.end());
  }
};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    if (comma != 0) words.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return words;
}

Json event_json(const run::Event& event) {
  Json data = Json::object();
  for (const auto& [key, value] : event.data) std::visit([&](const auto& v) { data[key] = v; }, value);
  return Json{{"id", event.id}, {"globalID", event.id}, {"time", rfc3339(event.unix_ms)}, {"type", event.type}, {"data", data}};
}

// The newest `limit` of them, oldest first.
Json events_json(const run::EventLog& log, const Question& question) {
  std::vector<const run::Event*> wanted;
  for (const run::Event& event : log.events())
    if (question.wants(event)) wanted.push_back(&event);
  if (question.limit > 0 && wanted.size() > question.limit)
    wanted.erase(wanted.begin(), wanted.end() - static_cast<std::ptrdiff_t>(question.limit));
  Json list = Json::array();
  for (const run::Event* event : wanted) list.push_back(event_json(*event));
  return list;
}

}  // namespace

Response get_events(const Context& context, const Call& call) {
  Question question;
  if (!read_number(call.target, "since", question.since) || !read_number(call.target, "limit", question.limit) ||
      !read_number(call.target, "timeout", question.timeout_s))
    return text_response(400, "since, limit and timeout are numbers");
  question.types = split(call.target.value("events"));
  // A number from before a restart: what there is now is news.
  if (question.since > context.source.events().newest()) question.since = 0;
  Response response;
  response.later_within = std::chrono::seconds(std::min(question.timeout_s, kTimeoutSMax));
  response.later = [&log = context.source.events(), question](bool last) -> std::optional<Response> {
    const bool any = std::ranges::any_of(log.events(), [&](const run::Event& event) { return question.wants(event); });
    if (!any && !last) return std::nullopt;
    return answer_json(events_json(log, question));
  };
  return response;
}

}  // namespace weft::api
