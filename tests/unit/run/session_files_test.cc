// The files of a session: opened, granted, fetched, refused, released.
#include <fcntl.h>

#include "tests/unit/run/session_files.hh"

namespace weft::run::test {
namespace {

using base::Errc;
using Kind = share::Command::Kind;
using EventKind = share::Event::Kind;

TEST_F(SessionFiles, AFileIsOpenedFetchedAndReleased) {
  open(5);
  const auto asked = b().heard_of<proto::Open>();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].files.at(0).name, "file5");
  const auto granted = b().core().told(Kind::kGrant);
  ASSERT_EQ(granted.size(), 1u);
  EXPECT_EQ(granted[0].body.grant.fd, b().fds_given.at(0));
  EXPECT_EQ(granted[0].body.grant.size, 1u << 20);
  EXPECT_EQ(a().core().told(Kind::kOpenWrite).at(0).body.open_write.fd, 75);
  const auto ended = a().fetch(5, 128 << 10);
  world.settle();
  ASSERT_EQ(a().core().fetching.size(), 1u);
  const share::Fetch& order = a().core().fetching[0].order;
  EXPECT_EQ(order.handle, granted[0].body.grant.handle);
  EXPECT_EQ(order.offset, 128u << 10);
  a().core().end_fetch(order.token, EventKind::kBlockWritten);
  world.settle();
  EXPECT_EQ(ended->count, 1);
  EXPECT_TRUE(ended->status.has_value());
  close_last();
  const auto released = b().heard_of<proto::Release>();
  ASSERT_EQ(released.size(), 1u);
  EXPECT_EQ(released[0].handles, std::vector{granted[0].body.grant.handle});
  EXPECT_EQ(::fcntl(b().fds_given[0], F_GETFD), -1);   // closed, and only now
  EXPECT_FALSE(a().session.busy());
  EXPECT_FALSE(b().session.busy());
}

TEST_F(SessionFiles, OpensInARowShareOneMessage) {
  std::vector<std::shared_ptr<End::Opened>> opened;
  for (std::uint32_t i = 1; i <= 20; ++i) opened.push_back(a().open(i));
  world.settle();
  for (const auto& o : opened) EXPECT_TRUE(o->result.has_value());
  EXPECT_EQ(b().heard_of<proto::Open>().size(), 1u);
  EXPECT_EQ(a().heard_of<proto::Grant>().size(), 1u);
  for (std::uint32_t i = 1; i <= 20; ++i) close(i);
}

TEST_F(SessionFiles, WhatThePeerRefusesIsToldWithItsReason) {
  const std::pair<Errc, Errc> cases[] = {{Errc::kNotFound, Errc::kNotFound}, {Errc::kPermission, Errc::kPermission},
                                         {Errc::kLimit, Errc::kUnavailable}, {Errc::kIo, Errc::kUnavailable}};
  b().refusing = true;
  std::uint32_t transfer = 1;
  for (const auto& [refused, heard] : cases) {
    b().refuse = refused;
    const auto opened = a().open(transfer++);
    world.settle();
    EXPECT_EQ(code_of(*opened), heard);
  }
  EXPECT_TRUE(a().core().told(Kind::kOpenWrite).empty());
  EXPECT_FALSE(a().session.busy());
}

TEST_F(SessionFiles, AFileThatADiskAgentRefusesIsGivenBack) {
  b().core().file_errno = EMFILE;                  // the server's
  const auto first = a().open(1);
  world.settle();
  (void)code_of(*first);
  EXPECT_EQ(::fcntl(b().fds_given[0], F_GETFD), -1);
  b().core().file_errno = 0;
  a().core().file_errno = EBADF;                   // the puller's, after the grant
  const auto second = a().open(2);
  world.settle();
  (void)code_of(*second);
  ASSERT_EQ(b().heard_of<proto::Release>().size(), 1u);
  EXPECT_TRUE(b().core().files.empty());
  EXPECT_FALSE(b().session.busy());
  a().core().file_errno = 0;
}

TEST_F(SessionFiles, OpensBeyondTheLimitAreRefusedOnBothSides) {
  std::vector<std::shared_ptr<End::Opened>> opened;
  for (std::uint32_t i = 1; i <= WeftSession::kFilesMax + 1; ++i) opened.push_back(a().open(i));
  world.settle();
  EXPECT_EQ(code_of(*opened.back()), Errc::kUnavailable);
  opened.pop_back();
  for (const auto& o : opened) ASSERT_TRUE(o->result.has_value());
  // A peer that does not keep to it, and one that names a core that the session has not.
  proto::Open more;
  more.files.push_back({.open_id = 9000, .folder = "folder", .name = "x", .version = {}, .size = 1, .block_size = 1, .core = 0});
  a().heard.clear();
  b().session.handle_open(more);
  world.settle();
  EXPECT_NE(a().heard_of<proto::Grant>().at(0).files.at(0).error, 0u);
  for (std::uint32_t i = 1; i <= WeftSession::kFilesMax; ++i) close(i);
  more.files[0].core = 1;
  a().heard.clear();
  b().session.handle_open(more);
  world.settle();
  EXPECT_NE(a().heard_of<proto::Grant>().at(0).files.at(0).error, 0u);
  EXPECT_EQ(b().core().told(Kind::kGrant).size(), WeftSession::kFilesMax);
}

TEST_F(SessionFiles, ReasonsOfBlocksThatDoNotComeAreKeptApart) {
  open(1);
  const struct { EventKind kind; std::int32_t detail; Errc code; } cases[] = {
      {EventKind::kBlockMismatch, 0, Errc::kCorrupt},
      {EventKind::kBlockFailed, ENOSPC, Errc::kNoSpace},
      {EventKind::kBlockRejected, static_cast<std::int32_t>(wire::RejectReason::kRange), Errc::kNotFound},
      {EventKind::kBlockRejected, static_cast<std::int32_t>(wire::RejectReason::kDisk), Errc::kNotFound},
      {EventKind::kBlockRejected, static_cast<std::int32_t>(wire::RejectReason::kUnknownHandle), Errc::kUnavailable},
      {EventKind::kBlockCancelled, 0, Errc::kUnavailable}};
  for (const auto& c : cases) {
    const auto ended = a().fetch(1);
    world.settle();
    ASSERT_EQ(a().core().fetching.size(), 1u);
    a().core().end_fetch(a().core().fetching[0].order.token, c.kind, c.detail);
    world.settle();
    EXPECT_EQ(code_of(*ended), c.code);
  }
  const auto unknown = a().fetch(2);
  EXPECT_EQ(unknown->count, 0);                    // never from inside the call
  world.settle();
  EXPECT_EQ(code_of(*unknown), Errc::kUnavailable);
}

TEST_F(SessionFiles, ClosingEndsTheTransfersFetchesFirst) {
  open(1);
  const auto ended = a().fetch(1);
  world.settle();
  close_last();
  EXPECT_EQ(code_of(*ended), Errc::kUnavailable);
}

TEST_F(SessionFiles, AReleaseOfWhatWasNeverGrantedIsNothing) {
  open(1);
  const std::uint32_t handle = b().core().told(Kind::kGrant).at(0).body.grant.handle;
  b().session.handle_release({{handle ^ 1, 0, UINT32_MAX, handle + (5u << 12)}});
  world.settle();
  EXPECT_EQ(b().core().files.size(), 1u);
  b().session.handle_release({{handle, handle}});  // twice in one message
  world.settle();
  EXPECT_TRUE(b().core().files.empty());
  b().session.handle_release({{handle}});
  world.settle();
}

TEST_F(SessionFiles, AGrantThatNobodyAskedForIsGivenBack) {
  proto::Grant grant;
  grant.files.push_back({.open_id = 1234, .handle = 77, .error = 0});
  grant.files.push_back({.open_id = 1235, .handle = 0, .error = 1});   // a refusal needs no answer
  a().session.handle_grant(grant);
  world.settle();
  const auto released = b().heard_of<proto::Release>();
  ASSERT_EQ(released.size(), 1u);
  EXPECT_EQ(released[0].handles, std::vector<std::uint32_t>{77});
  EXPECT_TRUE(a().core().told(Kind::kOpenWrite).empty());
}

}  // namespace
}  // namespace weft::run::test
