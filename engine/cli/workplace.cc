#include "engine/cli/workplace.hh"

#include <stdlib.h>

namespace weft::cli {

namespace fs = std::filesystem;

model::ConfigResult<Workplace> Workplace::make(fs::path parent, bool keep) {
  std::error_code error;
  if (parent.empty()) parent = fs::temp_directory_path(error);
  if (!error) fs::create_directories(parent, error);
  std::string name = (parent / "weft-lab-XXXXXX").string();
  if (error || ::mkdtemp(name.data()) == nullptr)
    return tl::unexpected(parent.string() + ": no directory can be made there; choose another one by --dir");
  return Workplace(name, keep);
}

Workplace::~Workplace() {
  std::error_code ignored;
  if (!path_.empty() && !keep_) fs::remove_all(path_, ignored);
}

tl::expected<lab::RestAnswer, std::string> HttpRest::call(const lab::RestAsk& ask) {
  HttpAsk http;
  http.host = ask.host;
  http.port = ask.port;
  http.method = ask.method;
  http.target = ask.target;
  http.body = ask.body;
  http.headers = {{"X-API-Key", ask.api_key}};
  http.deadline = ask.deadline;
  auto reply = http_request(http);
  if (!reply) return tl::unexpected(reply.error());
  return lab::RestAnswer{reply->status, std::move(reply->body)};
}

}  // namespace weft::cli
