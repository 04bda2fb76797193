#include "bep/model/workers.hh"

#include "engine/base/must.hh"

namespace weft::model {

Workers::Workers(boost::asio::io_context& control, std::size_t threads)
    : control_(control), pool_(threads), waiting_(kWaitingThreads), threads_(threads), open_(std::make_shared<bool>(true)) {
  MUST(threads > 0);
}

Workers::~Workers() { stop(); }

void Workers::stop() {
  if (stopped()) return;
  *open_ = false;
  pool_.stop();
  waiting_.stop();
  pool_.join();
  waiting_.join();
}

}  // namespace weft::model
