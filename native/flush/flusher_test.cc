#include "flusher.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>

#include "../core/testing.h"
#include "tasks.h"

using namespace tidelog;

static std::atomic<int> completed{0};
static std::atomic<int> failed{0};

static void complete(void*, const FlushRequest& request) {
  completed++;
  if (request.error != 0) failed++;
}

int main() {
  std::string folder = (std::filesystem::temp_directory_path() / "tidelog-flush-XXXXXX").string();
  CHECK(mkdtemp(folder.data()) != nullptr);
  std::vector<std::shared_ptr<FlushFile>> files;
  std::vector<DescriptorRef> descriptors;
  for (int index = 0; index < 50; index++) {
    const std::string path = folder + "/" + std::to_string(index);
    const int fd = openFile(path.c_str(), true, true);
    CHECK(fd >= 0);
    CHECK(write(fd, "x", 1) == 1);
    descriptors.push_back(std::make_shared<Descriptor>(fd));
    files.push_back(std::make_shared<FlushFile>());
    files.back()->owner = static_cast<uint32_t>(index + 1);
  }
  int requests = 0;
  for (int round = 0; round < 20; round++) {
    Flusher flusher(complete, nullptr);
    for (int request = 0; request < 50; request++) {
      std::vector<Flusher::Wish> wishes;
      for (int index = 0; index < 50; index++) {
        if ((request + index + round) % 7 < 3) wishes.push_back({files[index], descriptors[index], (request + index) % 5 != 0});
      }
      flusher.request(static_cast<uint32_t>(++requests), std::move(wishes), round % 2 == 0);
    }
    flusher.stop();
    CHECK(completed == requests);
    flusher.request(static_cast<uint32_t>(++requests), {{files[0], descriptors[0], true}}, true);
    flusher.stop();
    CHECK(completed == requests);
  }
  CHECK(failed == 0);
  int pipe[2];
  CHECK(::pipe(pipe) == 0);
  {
    Flusher flusher(complete, nullptr);
    flusher.request(1, {{std::make_shared<FlushFile>(), std::make_shared<Descriptor>(pipe[0]), true}}, true);
    flusher.stop();
    CHECK(failed == 1);  // A pipe cannot be synced.
  }
  TaskQueue tasks(3);
  std::atomic<int> ran{0};
  for (int round = 0; round < 3; round++) {
    for (int index = 0; index < 1000; index++) tasks.post([&] { ran++; });
    tasks.stop();
    CHECK(ran == (round + 1) * 1000);
  }
  for (int index = 0; index < 50; index++) unlink((folder + "/" + std::to_string(index)).c_str());
  rmdir(folder.c_str());
  puts("flusher_test: ok");
}
