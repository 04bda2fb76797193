// A temporary directory for what a command starts, and the HTTP client as the laboratory wants it (lab/rest.hh).
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "bep/model/config.hh"
#include "engine/cli/http_client.hh"
#include "engine/lab/rest.hh"

namespace weft::cli {

class Workplace {
 public:
  // `parent` empty: $TMPDIR or /tmp. It goes with us unless `keep`. Errors: a sentence.
  [[nodiscard]] static model::ConfigResult<Workplace> make(std::filesystem::path parent, bool keep);
  Workplace(Workplace&& other) noexcept : path_(std::exchange(other.path_, {})), keep_(other.keep_) {}
  Workplace& operator=(Workplace&&) = delete;
  ~Workplace();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  Workplace(std::filesystem::path path, bool keep) : path_(std::move(path)), keep_(keep) {}
  std::filesystem::path path_;
  bool keep_;
};

class HttpRest final : public lab::Rest {
 public:
  tl::expected<lab::RestAnswer, std::string> call(const lab::RestAsk& ask) override;
};

}  // namespace weft::cli
