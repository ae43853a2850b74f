"""What Claude Code and Cursor give to their hooks, event by event."""

from __future__ import annotations

from typing import Any

_SESSION = {
    "session_id": "0d7c4a2e-7f0b-4d0e-9c44-0a7c1c1e2b9f",
    "transcript_path": "/home/ada/.claude/projects/website/0d7c4a2e.jsonl",
    "cwd": "/home/ada/website",
    "permission_mode": "default",
}
_TOOL = {"tool_name": "Bash", "tool_use_id": "toolu_01", "tool_input": {"command": "ls", "timeout": 120000}}

CLAUDE_CODE: dict[str, dict[str, Any]] = {
    "SessionStart": {"source": "startup", "model": "claude-opus"},
    "UserPromptSubmit": {"prompt": "Fix the ünïcode bug"},
    "PreToolUse": _TOOL,
    "PermissionRequest": {**_TOOL, "permission_suggestions": [{"type": "toolAlwaysAllow", "tool": "Bash"}]},
    "PostToolUse": {**_TOOL, "tool_response": {"stdout": "index.html\n", "stderr": "", "interrupted": False}},
    "PostToolUseFailure": {**_TOOL, "error": "exit status 1", "is_interrupt": False},
    "Notification": {"message": "waiting for your input", "notification_type": "idle_prompt"},
    "SubagentStart": {"agent_id": "agent-1", "agent_type": "Explore"},
    "SubagentStop": {"stop_hook_active": False, "agent_id": "agent-1", "agent_transcript_path": None},
    "Stop": {"stop_hook_active": False, "last_assistant_message": "Done."},
    "PreCompact": {"trigger": "manual", "custom_instructions": ""},
    "SessionEnd": {"reason": "exit"},
    "AnEventOfALaterRelease": {"deep": {"er": [1, 2.5, True, None, {"": "an empty name"}]}},
}
CLAUDE_CODE = {name: {**_SESSION, "hook_event_name": name, **more} for name, more in CLAUDE_CODE.items()}

_CONVERSATION = {
    "conversation_id": "668320d2-2fd8-4888-b33c-2a466fec86e7",
    "generation_id": "490b90b7-a2ce-4c2c-bb76-cb77b125df2f",
    "model": "gpt-5",
    "cursor_version": "2.0.77",
    "workspace_roots": ["/home/ada/website"],
    "user_email": "ada@example.com",
    "transcript_path": None,
}

CURSOR: dict[str, dict[str, Any]] = {
    "beforeSubmitPrompt": {"prompt": "Fix it", "attachments": [{"type": "file", "filePath": "/a.ts"}]},
    "beforeShellExecution": {"command": "npm test", "cwd": "/home/ada/website"},
    "afterShellExecution": {"command": "npm test", "output": "1 passed", "duration": 1234.5},
    "beforeMCPExecution": {
        "tool_name": "query",
        "tool_input": '{"sql": "SELECT 1"}',
        "url": "https://x.example",
    },
    "afterMCPExecution": {"tool_name": "query", "tool_input": "{}", "result_json": "[]", "duration": 250},
    "beforeReadFile": {"file_path": "/home/ada/website/a.ts", "content": "const a = 1", "attachments": []},
    "afterFileEdit": {"file_path": "/a.ts", "edits": [{"old_string": "a", "new_string": "b"}]},
    "afterAgentResponse": {"text": "Done."},
    "afterAgentThought": {"text": "Hm.", "duration_ms": 5000},
    "stop": {"status": "completed", "loop_count": 0},
    "aHookOfALaterRelease": {"anything": [[], {}, 0]},
}
CURSOR = {name: {**_CONVERSATION, "hook_event_name": name, **more} for name, more in CURSOR.items()}
CURSOR["sessionStart"] = {
    "session_id": "668320d2-2fd8-4888-b33c-2a466fec86e7",
    "conversation_id": None,
    "hook_event_name": "sessionStart",
    "is_background_agent": False,
    "composer_mode": "agent",
}
