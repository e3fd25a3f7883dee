// Folders for JavaScript, many in one call, read on another thread.
#include <string.h>

#include "../port/folder.h"
#include "addon.h"
#include "values.h"

namespace tidelog {

namespace {

// Pieces that a zero byte ends: names may hold every other one.
std::vector<std::string> piecesOf(const std::string& text) {
  std::vector<std::string> pieces;
  size_t start = 0;
  for (size_t end = text.find('\0'); end != std::string::npos; start = end + 1, end = text.find('\0', start)) pieces.push_back(text.substr(start, end - start));
  return pieces;
}

// foldersRead(paths, names, sizeMaxBytes, token): paths and names (FileWishes) each end with a zero byte. After the event, in its callback: foldersTake.
napi_value foldersRead(napi_env env, napi_callback_info info) {
  Arguments<4> arguments(env, info);
  Addon* addon = static_cast<Addon*>(arguments.context());
  std::vector<std::string> paths = piecesOf(arguments.text(0));
  FileWishes wishes{piecesOf(arguments.text(1)), arguments.int64(2)};
  const uint32_t token = arguments.uint32(3);
  if (!arguments.valid()) return nullptr;
  auto content = std::make_shared<std::string>();
  addon->folders[token] = content;
  addon->events.began();
  addon->store.work()->post([paths = std::move(paths), wishes = std::move(wishes), content = std::move(content), token, events = addon->store.events()] {
    for (const std::string& path : paths) readFolder(path, wishes, content.get());
    events->push({token, 0, 0});
  });
  return nullptr;
}

// foldersTake(token): ArrayBuffer with what readFolder says of each path, once.
napi_value foldersTake(napi_env env, napi_callback_info info) {
  Arguments<1> arguments(env, info);
  Addon* addon = static_cast<Addon*>(arguments.context());
  const uint32_t token = arguments.uint32(0);
  if (!arguments.valid()) return nullptr;
  const auto found = addon->folders.find(token);
  if (found == addon->folders.end()) return nullptr;
  const auto content = std::move(found->second);
  addon->folders.erase(found);
  void* data = nullptr;
  napi_value buffer = nullptr;
  if (napi_create_arraybuffer(env, content->size(), &data, &buffer) != napi_ok) return nullptr;
  if (!content->empty()) memcpy(data, content->data(), content->size());
  return buffer;
}

}  // namespace

const std::vector<Export> kFolderExports = {{"foldersRead", foldersRead}, {"foldersTake", foldersTake}};

}  // namespace tidelog
