// POST /rest/weft/ports and DELETE /rest/weft/ports/NAME: ports that come and go while weft runs, until it ends. The body of
// POST has the keys of a [[port]] table of weft.toml; {"name": NAME} alone tries again one that could not be opened.
#include <algorithm>
#include <cctype>

#include "engine/api/handlers.hh"
#include "engine/api/json_text.hh"

namespace weft::api {
namespace {

bool fits_toml(const Body& value) {
  if (value.is_array()) return std::all_of(value.begin(), value.end(), [](const Body& item) { return item.is_string(); });
  if (value.is_number_unsigned()) return value.get<std::uint64_t>() <= INT64_MAX;
  return value.is_string() || value.is_number() || value.is_boolean();
}

// A key of TOML: as it is, or in quotes.
std::string key_of(const std::string& key) {
  const auto bare = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-'; };
  return !key.empty() && std::all_of(key.begin(), key.end(), bare) ? key : Body(key).dump();
}

Response refuse(const base::Error& error, const std::string& why) {
  const std::string sentence = why.empty() ? error.text : why;
  switch (error.code) {
    case base::Errc::kInvalidConfig: case base::Errc::kInvalidArgument: case base::Errc::kNotFound:
      return text_response(400, sentence);
    case base::Errc::kUnavailable: case base::Errc::kLimit: case base::Errc::kPermission:
      return text_response(409, sentence);
    default: return text_response(500, sentence);
  }
}

}  // namespace

Response post_port(const Context& context, const Call& call) {
  const Body body = parse_body(call.body);
  if (!body.is_object()) return text_response(400, "the body is not a JSON object");
  std::string lines, why;   // JSON's texts, numbers and lists of texts are TOML's too
  for (const auto& [key, value] : body.items()) {
    if (!fits_toml(value))
      return text_response(400, key_of(key).substr(0, 64) + ": a text, a number or a list of texts is wanted");
    lines += key_of(key) + " = " + value.dump() + "\n";
  }
  const auto name = body.find("name");
  const bool again = body.size() == 1 && name != body.end() && name->is_string();
  const base::Status done =
      again ? context.sink.reopen_port(name->get<std::string>(), why) : context.sink.add_port(lines, why);
  if (!done && again && done.error().code == base::Errc::kNotFound)
    return text_response(404, "no port of this name could not be opened; to add one, give its device and address too");
  if (!done) return refuse(done.error(), why);
  return answer_json(Json{{"name", *name}, {"weft_toml", again ? Json() : Json("[[port]]\n" + lines)}});
}

Response delete_port(const Context& context, const Call& call) {
  const base::Status done = context.sink.remove_port(call.name);
  if (done) return answer_json(Json::object());
  if (done.error().code == base::Errc::kNotFound) return text_response(404, "no such port");
  return refuse(done.error(), {});
}

}  // namespace weft::api
