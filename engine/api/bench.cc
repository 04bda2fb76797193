// GET, POST and DELETE /rest/weft/bench: one measurement of the datapath to one device with made-up data (run/bench_run.hh).
// What cores and paths did meanwhile is the difference of two GET /rest/weft/meter.
#include "bep/proto/device_id.hh"
#include "engine/api/handlers.hh"
#include "engine/api/json_text.hh"

namespace weft::api {
namespace {

Json times_json(const run::BenchShown::Times& times) {
  return Json{{"p50_us", times.p50.us()}, {"p90_us", times.p90.us()}, {"p99_us", times.p99.us()},
              {"p999_us", times.p999.us()}, {"longest_us", times.longest.us()}};
}

// Reads one field into the wish; returns what is wrong with it, or nothing.
std::optional<std::string> read_field(const std::string& key, const Body& value, run::BenchWish& wish) {
  const std::string word = value.is_string() ? value.get<std::string>() : "";
  if (key == "device") {
    const auto id = proto::parse_device_id(word);
    if (!id) return "device: the ID of a device is wanted";
    wish.device = *id;
  } else if (key == "from" || key == "to") {
    if (word != "memory" && word != "disk") return key + ": \"memory\" or \"disk\" is wanted";
    (key == "from" ? wish.from_disk : wish.to_disk) = word == "disk";
  } else if (key == "verify") {
    if (!value.is_boolean()) return "verify: true or false is wanted";
    wish.verify = value.get<bool>();
  } else if (key == "seconds" || key == "block_bytes") {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > UINT32_MAX) return key + ": a whole number is wanted";
    (key == "seconds" ? wish.seconds : wish.block_bytes) = value.get<std::uint32_t>();
  } else {
    return key.substr(0, 64) + ": unknown field; there are device, from, to, verify, seconds and block_bytes";
  }
  return std::nullopt;
}

}  // namespace

Response get_bench(const Context& context, const Call&) {
  const run::BenchShown shown = context.source.bench();
  Json json{{"state", run::name_of(shown.state)}};
  if (shown.state == run::BenchState::kNone) return answer_json(json);
  json.update({{"device", proto::to_text(shown.wish.device)},
               {"from", shown.wish.from_disk ? "disk" : "memory"},
               {"to", shown.wish.to_disk ? "disk" : "memory"},
               {"verify", shown.wish.verify || shown.wish.to_disk},
               {"seconds", shown.wish.seconds},
               {"block_bytes", shown.wish.block_bytes},
               {"running_us", shown.running.us()},
               {"bytes", shown.bytes},
               {"synced_us", shown.synced.us()},
               {"block_times", shown.times ? times_json(*shown.times) : Json()},
               {"error", null_if_empty(shown.why)}});
  return answer_json(json);
}

Response post_bench(const Context& context, const Call& call) {
  const Body body = parse_body(call.body);
  if (!body.is_object() || !body.contains("device"))
    return text_response(400, "the body is not a JSON object with a device");
  run::BenchWish wish;
  for (const auto& [key, value] : body.items())
    if (const auto wrong = read_field(key, value, wish)) return text_response(400, *wrong);
  if (const auto started = context.sink.start_bench(wish); !started)
    return text_response(started.error().code == base::Errc::kInvalidArgument ? 400 : 409, started.error().text);
  return get_bench(context, call);
}

Response delete_bench(const Context& context, const Call& call) {
  context.sink.stop_bench();
  return get_bench(context, call);
}

}  // namespace weft::api
