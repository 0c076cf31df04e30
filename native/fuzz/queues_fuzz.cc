// The mailbox and the outbox under any sequence of operations, by one thread, against a list: nothing is
// lost, doubled or reordered, every batch is signalled once, and what comes after Close is dropped.
#include <deque>
#include <vector>

#include "base/mailbox.h"
#include "cell/events.h"
#include "fuzz/reader.h"

namespace {

using codecell::base::Clock;
using codecell::base::Text;
using codecell::cell::Event;
using codecell::cell::EventKind;

void FuzzMailbox(codecell::fuzz::Reader& input) {
  codecell::base::Mailbox<int> mailbox;
  std::vector<int> expected;
  int next = 0;
  while (!input.empty()) {
    const uint8_t operation = input.Byte() % 5;
    if (operation == 0 || operation == 1) {
      mailbox.Push(next);
      expected.push_back(next++);
    } else if (operation == 2) {
      mailbox.Wake();
    } else {
      const auto taken = operation == 3 ? mailbox.TakeAll() : mailbox.WaitAndTakeAll(Clock::now());
      PROPERTY(taken == expected);
      expected.clear();
    }
  }
}

void FuzzOutbox(codecell::fuzz::Reader& input) {
  int wakes = 0;
  int batches = 0;
  auto outbox = std::make_shared<codecell::cell::Outbox>([&wakes] { wakes++; });
  std::vector<std::string> expected;
  bool closed = false;
  while (!input.empty()) {
    const uint8_t operation = input.Byte() % 8;
    if (operation < 4) {
      const std::string text = input.String(20);
      Event event(EventKind::kText, 1);
      event.text = Text::Latin1(text);
      if (!closed) {
        if (expected.empty()) batches++;
        expected.push_back(text);
      }
      if (operation < 2)
        outbox->PushNow(std::move(event));
      else
        outbox->Push(std::move(event), [] { return true; });
    } else if (operation < 6) {
      const auto taken = outbox->TakeAll();
      PROPERTY(taken.size() == expected.size());
      for (size_t i = 0; i < taken.size(); i++) PROPERTY(taken[i].text.latin1() == expected[i]);
      expected.clear();
    } else if (operation == 6) {
      outbox->Recheck();
    } else if (input.Byte() % 8 == 0) {
      outbox->Close();
      closed = true;
      expected.clear();
    }
    PROPERTY(wakes == batches);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  codecell::fuzz::Reader input(data, size);
  if (input.Byte() % 2 == 0)
    FuzzMailbox(input);
  else
    FuzzOutbox(input);
  return 0;
}
