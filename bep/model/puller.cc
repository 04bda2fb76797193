#include "bep/model/puller.hh"

#include "bep/model/pull_round.hh"

namespace weft::model {

Puller::Puller(PullOptions options, IndexDb& index, Workers& workers, Sources& sources, PullObserver& observer,
               std::function<void(PullResult)> done)
    : round_(std::make_shared<PullRound>(std::move(options), index, workers, sources, observer, std::move(done))) {}

Puller::~Puller() { round_->cancel(); }

void Puller::start() { round_->start(); }
void Puller::pump() { round_->pump(true); }
void Puller::on_room() { round_->pump(false); }
bool Puller::stranded() const { return round_->stranded(); }
void Puller::give_up() { round_->give_up(); }
std::vector<TransferInfo> Puller::transfers() const { return round_->transfers(); }

}  // namespace weft::model
