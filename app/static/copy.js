// A button on every command that copies it. Without a clipboard (plain http on another host) there is none.
"use strict";

{
  function addButtons() {
    for (const command of document.querySelectorAll("pre.command:not(.copyable > *)")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(command.textContent);
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy"; }, 2000);
      });
      const frame = document.createElement("div");
      frame.className = "copyable";
      command.replaceWith(frame);
      frame.append(command, button);
    }
  }

  if (navigator.clipboard) {
    addButtons();
    document.addEventListener("htmx:after:swap", addButtons);
  }
}
