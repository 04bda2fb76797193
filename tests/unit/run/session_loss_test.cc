// What becomes of open files when the link, the paths, or both are lost.
#include <fcntl.h>

#include "tests/unit/run/session_files.hh"

namespace weft::run::test {
namespace {

using base::Errc;
using Kind = share::Command::Kind;
using EventKind = share::Event::Kind;
using SessionLoss = SessionFiles;

TEST_F(SessionLoss, WithoutAPathOrALinkNothingIsOpened) {
  world.set_answering(false);
  world.run(base::seconds(1));
  const auto pathless = a().open(1);
  EXPECT_FALSE(pathless->called);                  // never from inside the call
  world.settle();
  EXPECT_EQ(code_of(*pathless), Errc::kUnavailable);
  world.set_answering(true);
  world.run(base::seconds(10));
  ASSERT_TRUE(a().session.usable());
  world.link_down();
  const auto linkless = a().open(2);
  world.settle();
  EXPECT_EQ(code_of(*linkless), Errc::kUnavailable);
}

TEST_F(SessionLoss, OpenTransfersGoOnWithoutTheLinkAndOverTheNext) {
  open(1);
  b().holding = true;
  const auto waiting = a().open(2);
  world.settle();
  EXPECT_FALSE(waiting->called);
  world.link_down();
  EXPECT_EQ(code_of(*waiting), Errc::kUnavailable);   // its grant can not come any more
  const auto ended = a().fetch(1);
  world.settle();
  ASSERT_EQ(a().core().fetching.size(), 1u);
  a().core().end_fetch(a().core().fetching[0].order.token, EventKind::kBlockWritten);
  world.settle();
  EXPECT_TRUE(ended->status.has_value());
  world.link_up();
  b().holding = false;
  b().answer(b().asked.at(0));                     // the server's disk was slow: the grant is for nobody
  b().asked.clear();
  world.settle();
  ASSERT_EQ(b().heard_of<proto::Release>().size(), 1u);
  EXPECT_EQ(b().core().files.size(), 1u);
  (void)a().fetch(1);
  world.settle();
  EXPECT_EQ(a().core().fetching.size(), 1u);
}

TEST_F(SessionLoss, AnOpenThatFailedBeforeItWasSentIsNotSentByTheNextLink) {
  const auto unsent = a().open(1);
  world.link_down();                               // before the batch was flushed
  world.settle();
  EXPECT_EQ(code_of(*unsent), Errc::kUnavailable);
  world.link_up();
  open(2);
  ASSERT_EQ(b().heard_of<proto::Open>().size(), 1u);
  ASSERT_EQ(b().heard_of<proto::Open>()[0].files.size(), 1u);
  EXPECT_EQ(b().heard_of<proto::Open>()[0].files[0].open_id, 2u);
}

TEST_F(SessionLoss, AGrantLostWithItsLinkIsSaidAgainAndGivenBack) {
  open(1);
  const auto lost = a().open(2);
  world.settle(&a());                              // a's end of the link hears nothing more
  EXPECT_FALSE(lost->called);
  EXPECT_EQ(b().core().files.size(), 2u);
  world.link_down();
  EXPECT_EQ(code_of(*lost), Errc::kUnavailable);
  world.link_up();
  const auto said = a().heard_of<proto::Grant>();
  ASSERT_FALSE(said.empty());
  EXPECT_EQ(said.back().files.size(), 2u);         // all that stands, known or not
  const auto released = b().heard_of<proto::Release>();
  ASSERT_EQ(released.size(), 1u);
  EXPECT_EQ(released[0].handles.size(), 1u);       // only what nobody asked for
  EXPECT_EQ(b().core().files.size(), 1u);
  const auto ended = a().fetch(1);
  world.settle();
  EXPECT_EQ(ended->count, 0);                      // under way: transfer 1 is as it was
}

TEST_F(SessionLoss, AGrantSaidAgainForATransferThatClosesIsGivenBack) {
  world.open(1);
  const std::vector<std::uint32_t> handles = {a().heard_of<proto::Grant>().back().files.at(0).handle};
  bool gone = false;
  a().core().holding_closes = true;
  a().session.close(1, [&] { gone = true; });
  world.settle(&b());                              // the RELEASE is lost with its link
  ASSERT_TRUE(b().heard_of<proto::Release>().empty());
  world.link_down();
  world.link_up();
  ASSERT_FALSE(gone);
  // b resumed and said again what it has granted. It must hear that nobody wants it.
  ASSERT_EQ(a().heard_of<proto::Grant>().size(), 2u);
  EXPECT_EQ(a().heard_of<proto::Grant>().back().files.at(0).handle, handles.front());
  ASSERT_EQ(b().heard_of<proto::Release>().size(), 1u);
  EXPECT_EQ(b().heard_of<proto::Release>()[0].handles, handles);
  EXPECT_TRUE(b().core().files.empty());
  a().core().release_closes();
  world.settle();
  EXPECT_TRUE(gone);
}

TEST_F(SessionLoss, AGrantSaidAgainForATransferInUseIsNoNews) {
  open(1);
  world.link_down();
  world.link_up();
  EXPECT_EQ(a().heard_of<proto::Grant>().size(), 2u);
  EXPECT_TRUE(b().heard_of<proto::Release>().empty());
}

TEST_F(SessionLoss, AReleaseLostWithItsLinkIsMadeUpFor) {
  world.open(1);
  a().session.close(1, [] {});
  world.settle(&b());
  EXPECT_EQ(b().core().files.size(), 1u);
  world.link_down();
  world.link_up();
  EXPECT_TRUE(b().core().files.empty());
  bool gone = false;
  a().session.close(1, [&] { gone = true; });      // already forgotten
  world.settle();
  EXPECT_TRUE(gone);
}

TEST_F(SessionLoss, FetchesEndWhenNoPathIsLeftAndBeginAgainWithOne) {
  open(1);
  const auto first = a().fetch(1), second = a().fetch(1, 128 << 10);
  world.settle();
  ASSERT_EQ(a().core().fetching.size(), 2u);
  const int before = a().paths_changed;
  world.set_answering(false);
  world.run(base::seconds(1));
  EXPECT_EQ(code_of(*first), Errc::kUnavailable);
  EXPECT_EQ(code_of(*second), Errc::kUnavailable);
  EXPECT_EQ(a().paths_changed, before + 1);
  EXPECT_EQ(a().core().told(Kind::kDropRequests).size(), 1u);
  const auto third = a().fetch(1);                 // would wait for a path that may never come
  world.settle();
  EXPECT_EQ(code_of(*third), Errc::kUnavailable);
  world.set_answering(true);
  world.run(base::seconds(10));
  EXPECT_EQ(a().paths_changed, before + 2);
  const auto fourth = a().fetch(1);
  world.settle();
  ASSERT_EQ(a().core().fetching.size(), 1u);
  a().core().end_fetch(a().core().fetching[0].order.token, EventKind::kBlockWritten);
  world.settle();
  EXPECT_TRUE(fourth->status.has_value());
}

TEST_F(SessionLoss, PathsThatAreSoonBackDoNotLoseTheirFetches) {
  open(1);
  const auto waiting = a().fetch(1);
  world.settle();
  const int before = a().paths_changed;
  const auto unplug = [&](bool up) { a().data.ports[0].up = a().data.ports[1].up = up; };
  unplug(false);                                   // all at once, without a silence before
  world.run(WeftSession::kLinkTakesOverAfter - base::milliseconds(20));
  unplug(true);
  world.run(base::seconds(1));
  EXPECT_EQ(waiting->count, 0);
  EXPECT_EQ(a().paths_changed, before);
  EXPECT_TRUE(a().core().told(Kind::kDropRequests).empty());
  unplug(false);
  world.run(WeftSession::kLinkTakesOverAfter + base::milliseconds(20));
  EXPECT_EQ(code_of(*waiting), Errc::kUnavailable);
  EXPECT_EQ(a().paths_changed, before + 1);
}

TEST_F(SessionLoss, AnAnswerForAnEarlierSessionGrantsNothingInTheNextOne) {
  b().holding = true;
  const auto opening = a().open(1);
  world.settle();
  world.link_down();
  EXPECT_EQ(code_of(*opening), Errc::kUnavailable);
  world.set_answering(false);
  world.run(WeftSession::kParkTime + base::seconds(2));
  world.set_answering(true);
  world.connect();                                 // another session, with handles of its own
  b().answer(b().asked.at(0));
  b().asked.clear();
  world.settle();
  EXPECT_EQ(::fcntl(b().fds_given.back(), F_GETFD), -1);
  EXPECT_TRUE(b().core().told(Kind::kGrant).empty());
  EXPECT_TRUE(a().heard_of<proto::Grant>().empty());
}

TEST_F(SessionLoss, TheEndOfASessionFreesAllFilesAtBothEnds) {
  open(1);
  const auto ended = a().fetch(1);
  b().holding = true;
  const auto opening = a().open(2);
  world.settle();
  a().core().holding_files = true;                 // a grant whose file the core has not registered yet
  b().holding = false;
  const auto registering = a().open(3);
  world.settle();
  world.link_down();
  world.set_answering(false);
  world.run(WeftSession::kParkTime + base::seconds(2));
  ASSERT_FALSE(a().session.active());
  EXPECT_EQ(code_of(*opening), Errc::kUnavailable);
  EXPECT_FALSE(registering->called);               // its fd is still the core's
  a().core().release_files(world.now);
  world.settle();
  EXPECT_EQ(code_of(*registering), Errc::kUnavailable);
  EXPECT_EQ(code_of(*ended), Errc::kUnavailable);
  EXPECT_TRUE(b().core().files.empty());
  b().answer(b().asked.at(0));                     // an answer of the old session: its file is closed, nobody is told
  b().asked.clear();
  EXPECT_EQ(::fcntl(b().fds_given.back(), F_GETFD), -1);
  EXPECT_FALSE(b().session.busy());
  const auto after = a().fetch(1);                 // the model has not closed it yet
  world.settle();
  EXPECT_EQ(code_of(*after), Errc::kUnavailable);
  close_last();
  EXPECT_FALSE(a().session.busy());
}

}  // namespace
}  // namespace weft::run::test
