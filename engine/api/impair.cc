// POST /rest/weft/ports/NAME/impair: a bad network on purpose. The body replaces the port's whole impairment;
// "{}" ends it. Allowed only by weft.toml [lab] impair = true, because it can make a machine unreachable.
#include <cmath>
#include <optional>

#include "engine/api/handlers.hh"
#include "engine/api/json_text.hh"

namespace weft::api {
namespace {

constexpr std::uint32_t kDelayUsMax = 10'000'000;   // as nic::Port bounds it

// Reads one field into the impairment; returns what is wrong with it, or nothing.
std::optional<std::string> read_field(const std::string& key, const Body& value, nic::Impairment& out) {
  const auto whole_number = [&](std::uint64_t max) -> std::optional<std::uint64_t> {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > max) return std::nullopt;
    return value.get<std::uint64_t>();
  };
  if (key == "blackhole" || key == "link_down") {
    if (!value.is_boolean()) return key + ": true or false is wanted";
    (key == "blackhole" ? out.blackhole : out.link_down) = value.get<bool>();
  } else if (key == "drop_rate") {
    const double rate = value.is_number() ? value.get<double>() : -1;
    if (!(rate >= 0 && rate <= 1)) return "drop_rate: a number from 0 to 1 is wanted";
    out.drop_ppm = static_cast<std::uint32_t>(std::lround(rate * 1e6));
  } else if (key == "delay_us" || key == "jitter_us" || key == "queue_us") {
    const auto number = whole_number(kDelayUsMax);
    if (!number) return key + ": a whole number of microseconds, at most 10000000, is wanted";
    (key == "delay_us" ? out.delay_us : key == "jitter_us" ? out.jitter_us : out.queue_us) =
        static_cast<std::uint32_t>(*number);
  } else if (key == "rate_Bps") {
    const auto number = whole_number(UINT64_MAX);
    if (!number) return "rate_Bps: a whole number of bytes per second is wanted (0: no limit)";
    out.rate_Bps = *number;
  } else if (key == "seed") {
    const auto number = whole_number(UINT64_MAX);
    if (!number) return "seed: a whole number is wanted (0: the dice go on as they are)";
    out.seed = *number;
  } else if (key == "direction") {
    const std::string word = value.is_string() ? value.get<std::string>() : "";
    if (word != "both" && word != "tx" && word != "rx") return "direction: \"both\", \"tx\" or \"rx\" is wanted";
    out.direction = word == "both" ? nic::Direction::kBoth : word == "tx" ? nic::Direction::kTx : nic::Direction::kRx;
  } else {
    return key.substr(0, 64) + ": unknown field; there are blackhole, link_down, drop_rate, delay_us, jitter_us, "
                               "rate_Bps, queue_us, seed and direction";
  }
  return std::nullopt;
}

}  // namespace

Response post_impair(const Context& context, const Call& call) {
  if (!context.source.impair_allowed())
    return text_response(403, "impairing ports is switched off: set impair = true under [lab] in weft.toml and "
                              "restart");
  const Body body = parse_body(call.body);
  if (!body.is_object()) return text_response(400, "the body is not a JSON object");
  nic::Impairment impairment;
  for (const auto& [key, value] : body.items())
    if (const auto wrong = read_field(key, value, impairment)) return text_response(400, *wrong);
  const base::Status done = context.sink.impair(call.name, impairment);
  if (done) return answer_json(Json::object());
  switch (done.error().code) {
    case base::Errc::kNotFound: return text_response(404, "no such port");
    case base::Errc::kUnavailable: return text_response(409, done.error().text);
    case base::Errc::kInvalidConfig: return text_response(403, done.error().text);
    case base::Errc::kInvalidArgument: return text_response(400, done.error().text);
    default: return text_response(500, done.error().text);
  }
}

}  // namespace weft::api
