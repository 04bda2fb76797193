// The history of each dialled address, in the index database: a fact of its device, under "dial ADDRESS".
// Thread: the control thread.
#pragma once

#include "bep/model/index_db.hh"
#include "bep/net/dial_order.hh"

namespace weft::run {

class IndexDialHistory final : public net::DialHistory {
 public:
  explicit IndexDialHistory(model::IndexDb& index) : index_(index) {}
  [[nodiscard]] net::DialRecord of(const base::DeviceId& device, const std::string& address) override;
  void save(const base::DeviceId& device, const std::string& address, const net::DialRecord& record) override;

 private:
  model::IndexDb& index_;
};

}  // namespace weft::run
