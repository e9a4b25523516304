import { builtinModules } from 'node:module';
import tseslint from 'typescript-eslint';

const BUILTINS = builtinModules.flatMap((name) => [name, `node:${name}`]);
const NOTHING_OUTSIDE = {
  paths: BUILTINS.map((name) => ({ name, message: 'Domain and workflows reach nothing outside.' })),
  patterns: [{ group: ['@temporalio/client', '@temporalio/worker', '@temporalio/activity', 'zod'], message: 'Not in a workflow.' }],
};
const PATCHES_STAND_TOGETHER = { name: '@temporalio/workflow', importNames: ['patched', 'deprecatePatch'], message: 'A predicate in src/workflows/patches.ts, which says how: there each patch has its date, what it changed and when it may go.' };

export default tseslint.config(
  // bench/peers is a package of its own, whose dependencies are not installed here: `npm run check --prefix bench/peers`.
  { ignores: ['node_modules/', 'data/', 'dist/', 'bench/peers/'] },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['eslint.config.js', 'bin/*.js', 'src/console/assets/*.js', '.dependency-cruiser.cjs'] }, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // `void` marks an expression whose value is not wanted, in arrow functions too.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreVoidOperator: true, ignoreArrowShorthand: true }],
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      // The environment's records are indexed by name on purpose: noPropertyAccessFromIndexSignature is the house's way.
      '@typescript-eslint/dot-notation': ['error', { allowIndexSignaturePropertyAccess: true }],
      // `Promise.withResolvers<void>()` says what it means.
      '@typescript-eslint/no-invalid-void-type': 'off',
      // Empty functions are defaults here.
      '@typescript-eslint/no-empty-function': 'off',
      // Row types of queries read better as interfaces or types, whichever is shorter.
      '@typescript-eslint/consistent-type-definitions': 'off',
      'max-lines-per-function': ['warn', { max: 60, skipBlankLines: true, skipComments: true }],
      'max-lines': ['warn', { max: 300, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/config/environment.ts', 'src/embedded/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: "MemberExpression[object.name='process'][property.name='env']", message: 'Only src/config/environment.ts reads the environment.' },
        {
          selector: 'CallExpression[callee.property.name=/^(trace|debug|info|warn|error)$/]:matches([callee.object.name=/^(logger|log)$/], [callee.object.property.name=/^#?(logger|log)$/]) > ObjectExpression:first-child > Property[key.name=/^(eventId|id|event|audienceKey|audience_key|target|destinationName|personId|sourceName|exporterName|error)$/]',
          message: 'Log lines name things alike: event_id, audience, destination, source, person_id, exporter, err (docs/metrics.md).',
        },
      ],
    },
  },
  // authoring.ts hands patched() on to engineers' own workflow types, whose patches are theirs.
  { files: ['src/domain/**', 'src/workflows/patches.ts', 'src/workflows/authoring.ts'], rules: { 'no-restricted-imports': ['error', NOTHING_OUTSIDE] } },
  {
    files: ['src/workflows/**'],
    ignores: ['src/workflows/patches.ts', 'src/workflows/authoring.ts'],
    rules: { 'no-restricted-imports': ['error', { ...NOTHING_OUTSIDE, paths: [...NOTHING_OUTSIDE.paths, PATCHES_STAND_TOGETHER] }] },
  },
  {
    files: ['test/**'],
    rules: {
      'max-lines-per-function': 'off',
      'max-lines': ['warn', { max: 500, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  { files: ['**/*.js', '**/*.cjs'], ...tseslint.configs.disableTypeChecked },
);
