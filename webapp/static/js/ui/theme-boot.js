/* Set the chosen theme before the first paint; a classic script in the head so that nothing flashes. */
(() => {
  try {
    const theme = localStorage.getItem("baton.theme");
    if (theme === "light" || theme === "dark" || theme === "outdoor") {
      document.documentElement.dataset.theme = theme;
    }
  } catch {
    // storage is closed (private mode): the phone's own theme is right enough
  }
})();
