{
  'targets': [
    {
      'target_name': 'tidelog',
      'sources': [
        'native/core/batch.cc',
        'native/core/build.cc',
        'native/core/crc32c.cc',
        'native/core/index.cc',
        'native/core/place.cc',
        'native/core/records.cc',
        'native/core/segment.cc',
        'native/flush/flusher.cc',
        'native/flush/tasks.cc',
        'native/napi/addon.cc',
        'native/napi/compute.cc',
        'native/napi/events.cc',
        'native/napi/folders.cc',
        'native/napi/segments.cc',
        'native/napi/windows.cc',
        'native/port/file.cc',
        'native/port/folder.cc',
        'native/port/mapping.cc',
        'native/port/transfer.cc',
        'native/segment/aheadSpace.cc',
        'native/segment/indexFile.cc',
        'native/segment/openSegment.cc',
        'native/segment/scan.cc',
        'native/segment/segmentTasks.cc',
        'native/segment/store.cc'
      ],
      'include_dirs': ['<!(node -p "require(\'node-api-headers\').include_dir")'],
      'defines': ['NAPI_VERSION=9'],
      'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-fno-rtti'],
      'cflags_cc': ['-std=c++20', '-O3', '-fno-exceptions', '-fvisibility=hidden', '-Wall', '-Wextra'],
      'xcode_settings': {
        'CLANG_CXX_LANGUAGE_STANDARD': 'c++20',
        'GCC_ENABLE_CPP_EXCEPTIONS': 'NO',
        'GCC_OPTIMIZATION_LEVEL': '3',
        'MACOSX_DEPLOYMENT_TARGET': '11.0'
      }
    }
  ]
}
