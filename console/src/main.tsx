// SPDX-License-Identifier: BSD-2-Clause
import { createRoot } from "react-dom/client";
import "./styles/base.css";
import "./styles/frame.css";
import "./styles/components.css";
import { App } from "./app";

createRoot(document.getElementById("root")!).render(<App />);
