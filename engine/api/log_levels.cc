// GET and POST /rest/system/loglevels: how much each subsystem logs, in Syncthing 2's shape. A change takes effect at once
// and lasts until the daemon ends. Levels are answered in capitals, as there; both cases are taken.
#include <algorithm>
#include <array>
#include <cctype>

#include "engine/api/handlers.hh"
#include "engine/api/json_text.hh"
#include "engine/base/log.hh"

namespace weft::api {
namespace {

constexpr std::array<const char*, base::kSubsystemNames.size()> kAbout = {
    "start, end, and what belongs to none of the others",
    "listening, dialling, TLS, the health of links",
    "sessions with wefts, their paths and health",
    "network ports and DPDK",
    "index, scans, transfers",
    "the REST API"};

std::string in_case(std::string_view word, int (*convert)(int)) {
  std::string out(word);
  std::ranges::transform(out, out.begin(), [&](char c) { return static_cast<char>(convert(static_cast<unsigned char>(c))); });
  return out;
}

}  // namespace

Response get_log_levels(const Context&, const Call&) {
  Json packages = Json::object(), levels = Json::object();
  for (std::size_t i = 0; i < base::kSubsystemNames.size(); ++i) {
    const std::string name(base::kSubsystemNames[i]);
    packages[name] = kAbout[i];
    levels[name] = in_case(base::name_of(base::log_level(static_cast<base::Subsystem>(i))), std::toupper);
  }
  return answer_json(Json{{"packages", packages}, {"levels", levels}});
}

Response post_log_levels(const Context& context, const Call& call) {
  const Body body = parse_body(call.body);
  if (!body.is_object()) return text_response(400, "the body is not a JSON object");
  std::vector<std::pair<base::Subsystem, base::LogLevel>> wanted;   // all or none
  for (const auto& [name, value] : body.items()) {
    base::Subsystem subsystem{};
    base::LogLevel level{};
    if (!base::parse_subsystem(name, subsystem))
      return text_response(400, name.substr(0, 64) + ": no such subsystem; GET shows which there are");
    if (!value.is_string() || !base::parse_log_level(in_case(value.get<std::string>(), std::tolower), level))
      return text_response(400, name + ": one of \"TRACE\", \"DEBUG\", \"INFO\", \"WARN\", \"ERROR\" is wanted");
    wanted.emplace_back(subsystem, level);
  }
  for (const auto& [subsystem, level] : wanted) base::set_log_level(subsystem, level);
  return get_log_levels(context, call);
}

}  // namespace weft::api
