// GET and PUT /rest/weft/scheduler: the policy by which data cores choose a lane for each chunk. A change takes effect
// within one control tick, while transfers go on, and lasts until the daemon ends.
#include "engine/api/handlers.hh"
#include "engine/api/json_text.hh"

namespace weft::api {

Response get_scheduler(const Context& context, const Call&) {
  Json names = Json::array();
  for (const char* name : share::kPolicyNames) names.push_back(name);
  return answer_json(Json{{"policy", share::name_of(context.source.datapath().policy)}, {"policies", names}});
}

Response put_scheduler(const Context& context, const Call& call) {
  const Body body = parse_body(call.body);
  if (!body.is_object()) return text_response(400, "the body is not a JSON object");
  for (const auto& [key, value] : body.items())
    if (key != "policy") return text_response(400, key.substr(0, 64) + ": unknown field; there is policy");
  const auto field = body.find("policy");
  if (field == body.end() || !field->is_string())
    return text_response(400, "policy: a name in quotes is wanted; GET shows which there are");
  const auto policy = share::policy_of(field->get<std::string>());
  if (!policy) return text_response(400, "policy: no such policy; GET shows which there are");
  if (const auto done = context.sink.set_policy(*policy); !done)
    return text_response(done.error().code == base::Errc::kUnavailable ? 409 : 500, done.error().text);
  return get_scheduler(context, call);
}

}  // namespace weft::api
