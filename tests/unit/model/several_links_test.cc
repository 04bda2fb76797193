// A folder over several links: all carry requests, any may end, and both ends agree on the one that carries the index.
#include <gtest/gtest.h>

#include "tests/unit/model/node.hh"

namespace weft::model::test {
namespace {

constexpr std::int64_t kBytes = 12'000'000;

class SeveralLinksSync : public ::testing::Test {
 protected:
  void make(LinkStrategy strategy = LinkStrategy::kRate) {
    a_.emplace(io_, "a", NodeOptions{.root = {}, .connections = 3});
    b_.emplace(io_, "b", NodeOptions{.root = {}, .connections = 3, .strategy = strategy});
    a_->share_with(*b_);
    b_->share_with(*a_);
    a_->start();
    b_->start();
  }
  void connect() {
    a_->listen();
    b_->dial(*a_);
    ASSERT_TRUE(run_until(io_, [this] { return links(*a_, *b_).size() == 3 && links(*b_, *a_).size() == 3; }));
  }
  static std::vector<net::Link*> links(const Node& at, const Node& to) { return at.links->links_of(to.id()); }
  static net::Link* primary(const Node& at, const Node& to) {
    const Peer* const peer = at.model->peer(to.id());
    return peer == nullptr ? nullptr : peer->primary();
  }
  bool agree() {
    const net::Link* const ours = primary(*a_, *b_);
    const net::Link* const theirs = primary(*b_, *a_);
    return ours != nullptr && theirs != nullptr && ours->local() == theirs->remote() && ours->remote() == theirs->local();
  }
  void offer(std::uint64_t seed) {
    write_file(a_->root() / ("big" + std::to_string(seed)), random_bytes(kBytes, seed));
    ASSERT_TRUE(a_->model->scan("f"));
  }
  [[nodiscard]] bool converge() {
    return run_until(io_, [this] { return b_->in_sync() && snapshot(a_->root()) == snapshot(b_->root()); });
  }

  boost::asio::io_context io_;
  std::optional<Node> a_, b_;
};

class ByStrategy : public SeveralLinksSync, public ::testing::WithParamInterface<LinkStrategy> {};

TEST_P(ByStrategy, EveryLinkCarriesItsPart) {
  make(GetParam());
  ASSERT_NO_FATAL_FAILURE(connect());
  ASSERT_NO_FATAL_FAILURE(offer(1));
  ASSERT_TRUE(converge());
  for (const net::Link* link : links(*b_, *a_)) EXPECT_GT(link->bytes_in(), kBytes / 20) << link->number();
  EXPECT_EQ(b_->model->totals().bytes_via_link, std::uint64_t{kBytes});
}
INSTANTIATE_TEST_SUITE_P(Model, ByStrategy,
                         ::testing::Values(LinkStrategy::kRate, LinkStrategy::kRoundRobin, LinkStrategy::kHealth,
                                           LinkStrategy::kRandom, LinkStrategy::kLeastUsed),
                         [](const auto& strategy) {
                           std::string name = kLinkStrategyNames[static_cast<std::size_t>(strategy.param)];
                           std::erase(name, '-');
                           return name;
                         });

TEST_F(SeveralLinksSync, OnlyThePrimaryCarriesTheIndexAndTheDatapath) {
  make();
  ASSERT_NO_FATAL_FAILURE(connect());
  EXPECT_TRUE(agree());
  EXPECT_EQ(a_->fabric->links_up, 1);
  EXPECT_EQ(b_->fabric->links_up, 1);
}

TEST_F(SeveralLinksSync, WhatASilentLinkWasAskedGoesByTheOthersAndItsLateAnswersAreNoHarm) {
  make();
  ASSERT_NO_FATAL_FAILURE(connect());
  ASSERT_NO_FATAL_FAILURE(offer(3));
  const auto asked = [this](const net::Link* link) { return b_->model->peer(a_->id())->meter_of(*link)->outstanding(); };
  net::Link* const silent = links(*b_, *a_).back();
  ASSERT_TRUE(run_until(io_, [&] { return b_->model->totals().bytes_via_link > 0 && asked(silent) > 0; }));
  silent->set_suspect(true);
  b_->model->on_suspicion(*silent);
  EXPECT_EQ(asked(silent), 0u);
  ASSERT_TRUE(converge());
  EXPECT_EQ(asked(silent), 0u) << "it is asked for nothing more";
  EXPECT_EQ(links(*b_, *a_).size(), 3u) << "and nobody had to close it";
  EXPECT_EQ(b_->model->totals().bytes_via_link, std::uint64_t{kBytes});
}

TEST_F(SeveralLinksSync, AnyLinkMayEndAndNothingIsFetchedTwice) {
  for (const std::size_t which : {0u, 1u}) {
    SCOPED_TRACE(which);
    make();
    ASSERT_NO_FATAL_FAILURE(connect());
    ASSERT_NO_FATAL_FAILURE(offer(2));
    ASSERT_TRUE(run_until(io_, [this] { return b_->model->totals().bytes_via_link > 0; }));
    ASSERT_LT(b_->model->totals().bytes_via_link, std::uint64_t{kBytes});
    links(*b_, *a_)[which]->close("test");
    ASSERT_TRUE(converge());
    EXPECT_EQ(b_->model->totals().bytes_via_link, std::uint64_t{kBytes});
    ASSERT_TRUE(run_until(io_, [this] { return links(*a_, *b_).size() == 3 && links(*b_, *a_).size() == 3 && agree(); }));
    ASSERT_NO_FATAL_FAILURE(offer(3));   // the index goes on by the new primary
    ASSERT_TRUE(converge());
    EXPECT_EQ(b_->fabric->links_up, which == 0 ? 2 : 1);
    EXPECT_EQ(b_->fabric->links_down, which == 0 ? 1 : 0);
    b_.reset();
    a_.reset();
  }
}

TEST_F(SeveralLinksSync, EndsThatDialEachOtherAgreeOnThePrimary) {
  for (int round = 0; round < 10; ++round) {
    SCOPED_TRACE(round);
    make();
    Node::dial_each_other(*a_, *b_);
    ASSERT_TRUE(run_until(io_, [this] { return links(*a_, *b_).size() == 3 && links(*b_, *a_).size() == 3; }));
    EXPECT_TRUE(run_until(io_, [this] { return agree(); }));
    ASSERT_NO_FATAL_FAILURE(offer(4));
    ASSERT_TRUE(converge());
    primary(*a_, *b_)->close("test");
    ASSERT_NO_FATAL_FAILURE(offer(5));
    ASSERT_TRUE(converge());
    EXPECT_TRUE(run_until(io_, [this] { return agree(); }));
    b_.reset();
    a_.reset();
  }
}

}  // namespace
}  // namespace weft::model::test
