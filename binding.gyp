{
  'variables': {
    'node_addon_api_include': '<!(node -p "require(\'node-addon-api\').include_dir")',
  },
  'targets': [
    {
      'target_name': 'codecell',
      # The one list of sources, which CMakeLists.txt reads too.
      'sources': ['<!@(node -p "require(\'fs\').readFileSync(\'native/sources.txt\', \'utf8\')")'],
      'include_dirs': ['native', '<(node_addon_api_include)'],
      'defines': ['NAPI_VERSION=9', 'NAPI_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED', 'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'],
      # Node's own settings ask for C++17 up to Node 22; V8's headers of 24 and later need C++20.
      'cflags_cc!': ['-std=gnu++17', '-std=gnu++1y', '-std=gnu++14'],
      'cflags_cc': ['-std=gnu++20', '-fvisibility=hidden', '-fvisibility-inlines-hidden'],
      'cflags': [
        '-Wall',
        '-Wextra',
        '-Wno-unused-parameter',
        # GCC does not take a cast to void for an answer.
        '-Wno-unused-result',
        # Their warnings are not ours.
        '-isystem <(node_root_dir)/include/node',
        '-isystem <(node_addon_api_include)',
      ],
      'conditions': [
        [
          # Built for another Node, the addon must fail to load instead of failing at its first call.
          'OS=="linux"',
          { 'ldflags': ['-Wl,-z,now'] },
        ],
        [
          'OS=="mac"',
          {
            'xcode_settings': {
              'CLANG_CXX_LANGUAGE_STANDARD': 'gnu++20',
              'CLANG_CXX_LIBRARY': 'libc++',
              'MACOSX_DEPLOYMENT_TARGET': '11.0',
              'GCC_ENABLE_CPP_EXCEPTIONS': 'NO',
              'GCC_ENABLE_CPP_RTTI': 'NO',
              'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
              'WARNING_CFLAGS': ['-Wall', '-Wextra', '-Wno-unused-parameter'],
            },
          },
        ],
        [
          'OS=="win"',
          {
            'defines': ['NOMINMAX', 'WIN32_LEAN_AND_MEAN', '_HAS_EXCEPTIONS=0'],
            'msvs_settings': {
              'VCCLCompilerTool': {
                'AdditionalOptions!': ['-std:c++17', '/std:c++17'],
                'AdditionalOptions': ['/std:c++20', '/Zc:__cplusplus', '/utf-8'],
                'LanguageStandard': 'stdcpp20',
                'ExceptionHandling': 0,
                'RuntimeTypeInfo': 'false',
              },
            },
          },
        ],
      ],
    },
  ],
}
