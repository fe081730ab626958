/**
 * JavaScript rules: eslint's recommended ones, the floors of static/js, and what keeps the pages safe and pure.
 *
 * Floors (imports point down only): pages → ui, capture → outbox → storage → domain.
 */
import js from "@eslint/js";
import globals from "globals";

const HERE = "webapp/static/js";

/** What each floor may not import: every floor above it, and its neighbour. */
const ABOVE = {
  domain: "pages|ui|capture|outbox|storage|vendor",
  storage: "pages|ui|capture|outbox",
  outbox: "pages|ui|capture",
  ui: "pages|capture",
  capture: "pages|ui",
};

const floors = Object.entries(ABOVE).map(([floor, above]) => ({
  files: [`${HERE}/${floor}/**/*.js`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          { regex: `(^|/)(${above})/`, message: `${floor} may not know ${above.replaceAll("|", ", ")}` },
        ],
      },
    ],
  },
}));

/** domain is pure: what it needs of the world is handed to it. */
const IMPURE = [
  "Date",
  "fetch",
  "indexedDB",
  "document",
  "window",
  "navigator",
  "localStorage",
  "sessionStorage",
];

export default [
  { ignores: ["**/node_modules/", "webapp/static/vendor/", ".venv/", "var/", "build/", "dist/"] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2023, sourceType: "module" },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      complexity: ["error", 14],
      curly: ["error", "multi-line"],
      eqeqeq: ["error", "always"],
      "max-depth": ["error", 4],
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      "no-alert": "error",
      "no-console": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_", caughtErrors: "none" }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      // Markup lives in templates: JavaScript clones <template> elements and fills them with text.
      "no-restricted-syntax": [
        "error",
        { selector: "MemberExpression[property.name=/^(inner|outer)HTML$/]", message: "clone a <template>" },
        {
          selector: "CallExpression[callee.property.name='insertAdjacentHTML']",
          message: "clone a <template>",
        },
        {
          selector: "CallExpression[callee.property.name='setAttribute'][arguments.0.value='style']",
          message: "no inline style",
        },
      ],
    },
  },
  { files: [`${HERE}/**/*.js`], languageOptions: { globals: { ...globals.browser, htmx: "readonly" } } },
  { files: ["sync/evidence/bundle/page/*.js"], languageOptions: { globals: globals.browser } },
  {
    files: [`${HERE}/sw/**/*.js`],
    languageOptions: { sourceType: "script", globals: globals.serviceworker },
  },
  { files: [`${HERE}/**/*worker*.js`], languageOptions: { globals: globals.worker } },
  {
    files: [`${HERE}/domain/**/*.js`],
    rules: {
      "no-restricted-globals": [
        "error",
        ...IMPURE.map((name) => ({ name, message: "domain is pure: hand it in" })),
      ],
    },
  },
  ...floors,
  {
    // Tools and tests run in Node and talk to a terminal.
    files: ["**/*.mjs", "tests/**/*.js"],
    languageOptions: { globals: globals.node },
    rules: { "no-console": "off", "max-lines-per-function": "off" },
  },
  // What a trial puts into a page runs in a browser.
  { files: ["tests/chaos/browser/*.js"], languageOptions: { globals: globals.browser } },
];
