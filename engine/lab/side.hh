// One of the two wefts, by its REST API: what it measures and the orders it takes. The same for a weft that was
// started for the occasion and for one that ran already. Blocking, with a deadline for each call; any one thread.
// Errors: sentences that name the side. Source: engine/api/README.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/lab/rest.hh"
#include "engine/lab/scenario.hh"

namespace weft::lab {

// A link as it is at this moment.
struct LinkNow {
  Shape shape;
  bool silent = false, down = false;
  std::uint64_t seed = 0;                  // not 0: the dice begin anew
};
// The body of POST /rest/weft/ports/NAME/impair: each side shapes what it sends, silence is both ways.
[[nodiscard]] std::string impairment_body(const LinkNow& link);

struct Meter {
  double now_s = 0;                        // that weft's clock
  std::uint64_t verified = 0, via_link = 0;
  struct Path {
    std::string port, remote_port;
    bool usable = false;                   // active or standby
    std::uint64_t bytes_in = 0, duplicate = 0, retransmitted = 0;
  };
  std::vector<Path> paths;                 // to the other side
  struct Stall {
    std::uint64_t number = 0;
    double began_s = 0, lasted_s = 0;      // by that weft's clock
  };
  std::vector<Stall> stalls;
  std::optional<double> last_block_s;      // none: no transfer is open
};

struct About {
  std::string device, folder_path;
  bool impair_allowed = false;
  std::vector<std::string> ports;
};

struct FolderState {
  bool idle = false;
  std::uint64_t global_bytes = 0, need_items = 0;
};

class Side {
 public:
  Side(Rest& rest, std::string name, std::string host, std::string port, std::string api_key, std::string folder);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool answers();
  [[nodiscard]] ConfigResult<About> about();
  [[nodiscard]] ConfigResult<std::string> listen_address();        // of its first listener, once it listens
  [[nodiscard]] ConfigResult<Meter> meter(std::uint64_t after_stall, const std::string& peer);
  [[nodiscard]] ConfigResult<FolderState> folder();
  [[nodiscard]] ConfigResult<bool> has_link_to(const std::string& peer);
  [[nodiscard]] ConfigResult<void> impair(const std::string& port, const LinkNow& link);
  [[nodiscard]] ConfigResult<void> set_policy(const std::string& policy);
  [[nodiscard]] ConfigResult<void> scan();
  [[nodiscard]] bool shutdown();                                   // false: it did not take the order
  // Anything else of its REST API: the body of a 200.
  [[nodiscard]] ConfigResult<std::string> ask(const char* method, const std::string& target, const std::string& body = "");

 private:
  Rest& rest_;
  std::string name_;
  RestAsk ask_;
  std::string folder_;
};

}  // namespace weft::lab
