#include "bep/model/transfer.hh"

#include <algorithm>

#include "bep/model/beneath.hh"
#include "bep/model/hasher.hh"
#include "bep/net/steady.hh"
#include "engine/base/must.hh"

namespace weft::model {

using base::Errc;

Transfer::Transfer(TransferInputs inputs, Workers& workers, Sources& sources, TransferObserver& observer)
    : inputs_(std::move(inputs)), workers_(workers), sources_(sources), observer_(observer),
      files_(std::make_shared<Files>()), began_(net::steady_now()), progress_at_(began_), rate_(began_) {
  MUST(inputs_.target.type == proto::FileType::kFile);
  MUST(!inputs_.target.blocks.empty());
  for (const base::DeviceId& device : inputs_.devices) from_.push_back({device});
  files_->name = inputs_.target.name;
  files_->size = inputs_.target.size;
  files_->donors = std::move(inputs_.donors);
  files_->direct = inputs_.direct;
  files_->checkpoint = std::move(inputs_.checkpoint);
  files_->prepare.blocks = inputs_.target.blocks;
  files_->writers = std::move(inputs_.writers);
}

void Transfer::start(std::span<const std::shared_ptr<Transfer>> transfers) {
  while (!transfers.empty()) {
    std::size_t count = 0;
    while (count < std::min(transfers.size(), kTogetherMax) && transfers[count]->files_->size <= kTogetherBytesMax)
      ++count;
    count = std::max<std::size_t>(count, 1);
    prepare(transfers.first(count));
    transfers = transfers.subspan(count);
  }
}

base::Status Transfer::prepare_files(int root, Directories& directories, Files& files) {
  if (!files.opened) {
    const bool sparse = std::ranges::any_of(files.prepare.blocks, [](const proto::Block& block) {
      return is_zero_block(block.hash, static_cast<std::uint32_t>(block.size));
    });
    files.temp = TRY(open_temp(directories, files.name, files.size, sparse, files.direct));
    for (const std::string& donor : files.donors) {
      DiskState state;
      base::Result<base::UniqueFd> fd = open_file(root, donor, state);
      if (fd) files.prepare.donors.push_back(std::move(*fd));
    }
    files.prepare.known = Checkpoint::read(files.checkpoint, files.temp.mark, files.prepare.blocks);
    files.opened = true;
  }
  return prepare_turn(files.temp, files.prepare);
}

void Transfer::prepare(std::span<const std::shared_ptr<Transfer>> transfers) {
  MUST(!transfers.empty());
  // The job has no part of the transfers but their files: a transfer may end while it runs.
  std::vector<std::shared_ptr<Files>> files;
  std::vector<std::weak_ptr<Transfer>> owners;
  for (const auto& transfer : transfers) {
    files.push_back(transfer->files_);
    owners.push_back(transfer);
  }
  Transfer& first = *transfers.front();
  first.workers_.run(
      [files = std::move(files), root = first.inputs_.root] {
        Directories directories(root);
        std::vector<base::Status> statuses;
        for (const auto& each : files) statuses.push_back(prepare_files(root, directories, *each));
        return statuses;
      },
      [owners = std::move(owners)](const std::vector<base::Status>& statuses) {
        for (std::size_t i = 0; i < owners.size(); ++i)
          if (const auto self = owners[i].lock(); self && !self->ended_) self->on_prepared(statuses[i]);
      });
}

void Transfer::on_prepared(base::Status status) {
  made_parents_ = files_->temp.made_parents;
  if (!status) return fail(status.error());
  if (!files_->prepare.complete()) {
    const std::shared_ptr<Transfer> self = shared_from_this();
    return prepare({&self, 1});
  }
  Prepare& found = files_->prepare;
  found.donors.clear();
  missing_.assign(found.missing.begin(), found.missing.end());
  bytes_done_ = found.bytes_kept + found.bytes_copied;
  buffered_ = !files_->temp.direct || found.bytes_copied > 0;
  prepared_ = true;
  if (bytes_done_ > 0) observer_.on_reused(*this, bytes_done_);
  if (!ended_) after_change();
}

TransferInfo Transfer::info() const {
  const base::Instant now = net::steady_now();
  const auto& blocks = inputs_.target.blocks;
  TransferInfo info{.folder = inputs_.folder, .name = inputs_.target.name, .way = last_way_,
                    .bytes_total = static_cast<std::uint64_t>(inputs_.target.size), .bytes_done = bytes_done_,
                    .block_bytes = static_cast<std::uint32_t>(blocks.front().size),
                    .blocks_total = blocks.size(), .blocks_asked = in_flight_.size(), .next_block = std::nullopt,
                    .running = now - began_, .silent = now - progress_at_, .rate_Bps = rate_.at(now)};
  if (prepared_) info.blocks_done = blocks.size() - missing_.size() - in_flight_.size();
  if (!missing_.empty()) info.next_block = missing_.front();
  return info;
}

Way Transfer::way_of(const Source& source) const {
  if (source.faults >= kFaultsMax) return Way::kNone;
  const Way way = sources_.way(source.device, inputs_.folder);
  if (way != Way::kFabric || !source.refused) return way;
  const LinkSource* link = sources_.link(source.device);
  return link != nullptr && link->serves(inputs_.folder) ? Way::kLink : Way::kNone;
}

bool Transfer::is_stranded() const {
  if (!prepared_ || ended_ || missing_.empty() || !in_flight_.empty()) return false;
  return std::ranges::all_of(from_, [this](const Source& source) { return way_of(source) == Way::kNone; });
}

Transfer::Issued Transfer::issue() {
  if (!prepared_ || ended_ || missing_.empty()) return Issued::kNothing;
  const auto bytes = static_cast<std::uint32_t>(inputs_.target.blocks[missing_.front()].size);
  Source* best = nullptr;
  Way best_way = Way::kNone;
  bool no_room = false;
  for (Source& source : from_) {
    const Way way = way_of(source);
    if (way == Way::kNone) continue;
    if (way == Way::kFabric && source.side != Source::Side::kOpen) {
      if (source.side == Source::Side::kClosed) open_side(source);
      continue;
    }
    if (!sources_.has_room(source.device, way, bytes)) {
      no_room = true;
      continue;
    }
    if (best == nullptr || sources_.load(source.device) < sources_.load(best->device)) {
      best = &source;
      best_way = way;
    }
  }
  if (best == nullptr) return no_room ? Issued::kNoRoom : Issued::kWaiting;
  ask(*best, best_way);
  return Issued::kAsked;
}

void Transfer::ask(Source& source, Way way) {
  const std::uint32_t number = missing_.front();
  missing_.pop_front();
  const proto::Block& block = inputs_.target.blocks[number];
  MUST(!in_flight_.contains(number));
  in_flight_[number] = {source.device, way};
  sources_.taken(source.device, way, static_cast<std::uint32_t>(block.size));
  last_way_ = way;
  if (way == Way::kLink) return ask_link(source.device, number);
  const BlockOrder order{source.number, static_cast<std::uint64_t>(block.offset),
                         static_cast<std::uint32_t>(block.size), block.hash};
  sources_.fabric().fetch(order, [weak = weak_from_this(), number](base::Status status) {
    if (const auto self = weak.lock(); self && !self->ended_) self->on_block(number, status);
  });
}

void Transfer::ask_link(const base::DeviceId& device, std::uint32_t number) {
  const proto::Block& block = inputs_.target.blocks[number];
  LinkSource* link = sources_.link(device);
  MUST(link != nullptr);
  link->request({inputs_.folder, inputs_.target.name, block.offset, block.size, block.hash,
                 static_cast<std::int32_t>(number)},
                [weak = weak_from_this(), device, number](base::Result<proto::OwnedBytes> bytes) {
                  if (const auto self = weak.lock(); self && !self->ended_)
                    self->on_bytes(device, number, std::move(bytes));
                });
}

void Transfer::on_bytes(const base::DeviceId& device, std::uint32_t number,
                        base::Result<proto::OwnedBytes> bytes) {
  MUST(in_flight_.contains(number));
  MUST(in_flight_[number].device == device);
  if (!bytes) return on_block(number, tl::unexpected<base::Error>(bytes.error()));
  // Before it is kept for a worker: bytes nobody asked for are not held.
  if (bytes->size != static_cast<std::size_t>(inputs_.target.blocks[number].size))
    return on_block(number, base::fail(Errc::kCorrupt, "the response is not as long as the block"));
  buffered_ = buffered_ || !goes_direct(files_->temp, inputs_.target.blocks[number]);
  workers_.run(
      [files = files_, block = inputs_.target.blocks[number], data = std::move(*bytes)] {
        return write_block(files->temp, block, data.bytes());
      },
      [weak = weak_from_this(), number](base::Status status) {
        if (const auto self = weak.lock(); self && !self->ended_) self->on_block(number, status);
      });
}

void Transfer::on_block(std::uint32_t number, base::Status status) {
  const auto it = in_flight_.find(number);
  MUST(it != in_flight_.end());
  const InFlight was = it->second;
  in_flight_.erase(it);
  const auto bytes = static_cast<std::uint32_t>(inputs_.target.blocks[number].size);
  sources_.returned(was.device, was.way, bytes);
  if (status) {
    bytes_done_ += bytes;
    progress_at_ = net::steady_now();
    rate_.add(bytes, progress_at_);
    if (was.way == Way::kFabric) find(was.device)->dead_opens = 0;
    observer_.on_block_verified(*this, was.way, bytes);
  } else {
    missing_.push_front(number);
    Source* source = find(was.device);
    MUST(source != nullptr);
    judge(*source, was.way, status.error());
  }
  if (ended_) return;
  // A verified block's place in the window is given away by Sources' on_room: in turn, over all folders.
  if (!status || (in_flight_.empty() && (missing_.empty() || no_source_is_left()))) after_change();
}

// What an error says about its source, and whether the whole file fails by it.
void Transfer::judge(Source& source, Way way, base::Error error) {
  switch (error.code) {
    case Errc::kNoSpace:
    case Errc::kReadOnly:
    case Errc::kIo:
    case Errc::kPermission:
      return fail(error);          // our disk: no other source helps
    case Errc::kClosed:
      return;                      // the link went; whoever is there now is asked
    case Errc::kUnavailable:
      if (way == Way::kFabric) {
        // The handle may be dead while the paths live: the reopen decides. All blocks of one open count once.
        if (source.side == Source::Side::kOpen && ++source.dead_opens >= kDeadOpensMax) source.refused = true;
        if (!sources_.fabric().usable(source.device)) source.refused = true;
        return close_side(source);
      }
      break;
    default:
      break;
  }
  last_error_ = error;
  ++source.faults;
  if (source.faults >= kFaultsMax) close_side(source);
}

void Transfer::open_side(Source& source) {
  MUST(source.side == Source::Side::kClosed);
  source.side = Source::Side::kOpening;
  const proto::FileInfo& target = inputs_.target;
  const TempFile& temp_file = files_->temp;
  const bool direct = static_cast<bool>(temp_file.direct);
  const int fd = direct ? temp_file.direct.get() : temp_file.fd.get();
  const RemoteFile file{inputs_.folder, target.name, target.version, target.size, target.block_size};
  sources_.fabric().open(source.device, file, fd, direct,
                         [weak = weak_from_this(), device = source.device, held = temp(),
                          fabric = &sources_.fabric()](base::Result<std::uint32_t> number) {
                           const auto self = weak.lock();
                           if (self && !self->ended_) self->on_opened(device, number);
                           else if (number) fabric->close(*number, [held] {});
                         });
}

void Transfer::on_opened(const base::DeviceId& device, base::Result<std::uint32_t> number) {
  Source* source = find(device);
  MUST(source != nullptr);
  MUST(source->side == Source::Side::kOpening);
  if (number) {
    source->side = Source::Side::kOpen;
    source->number = *number;
  } else {
    source->side = Source::Side::kClosed;
    if (number.error().code == Errc::kUnavailable) source->refused = true;
    else {
      last_error_ = number.error();
      source->faults = kFaultsMax;
    }
  }
  after_change();
}

void Transfer::close_side(Source& source) {
  if (source.side != Source::Side::kOpen) return;
  source.side = Source::Side::kClosing;
  sources_.fabric().close(source.number, [weak = weak_from_this(), device = source.device, held = temp()] {
    const auto self = weak.lock();
    if (!self || self->ended_) return;
    self->find(device)->side = Source::Side::kClosed;
    self->after_change();
  });
}

// Whole, hopeless, or in want of blocks.
void Transfer::after_change() {
  if (ended_ || !prepared_) return;
  if (missing_.empty() && in_flight_.empty()) {
    // The datapath lets go of the file first: a late padded write must not come after the final truncation.
    bool open = false;
    for (Source& source : from_) {
      close_side(source);
      open = open || source.side != Source::Side::kClosed;
    }
    if (open) return;
    ended_ = true;
    return observer_.on_whole(*this);
  }
  if (in_flight_.empty() && no_source_is_left()) return fail(last_error_);
  if (!missing_.empty()) observer_.on_blocks_wanted(*this);
}

bool Transfer::no_source_is_left() const {
  return std::ranges::all_of(from_, [](const Source& source) { return source.faults >= kFaultsMax; });
}

void Transfer::fail(base::Error error) {
  if (ended_) return;
  cancel();
  observer_.on_failed(*this, error);
}

void Transfer::cancel() {
  if (ended_) return;
  ended_ = true;
  for (const auto& [number, was] : in_flight_)
    sources_.returned(was.device, was.way, static_cast<std::uint32_t>(inputs_.target.blocks[number].size));
  in_flight_.clear();
  for (Source& source : from_) close_side(source);
}

void Transfer::forget_refusals() {
  for (Source& source : from_) {
    source.refused = false;
    source.dead_opens = 0;
  }
}

bool Transfer::has_refusal() const {
  return std::ranges::any_of(from_, [](const Source& source) { return source.refused; });
}

std::vector<std::byte> Transfer::checkpoint() const {
  if (!prepared_ || ended_ || buffered_ || inputs_.target.size < Checkpoint::kFileBytesMin) return {};
  std::vector<bool> have(inputs_.target.blocks.size(), true);
  for (const std::uint32_t number : missing_) have[number] = false;
  for (const auto& [number, was] : in_flight_) have[number] = false;
  return Checkpoint::make(files_->temp.fd.get(), inputs_.target.blocks, have);
}

std::shared_ptr<TempFile> Transfer::take_temp() {
  MUST(ended_);
  MUST(in_flight_.empty());
  return temp();
}

Transfer::Source* Transfer::find(const base::DeviceId& device) {
  for (Source& source : from_)
    if (source.device == device) return &source;
  return nullptr;
}

}  // namespace weft::model
