package net.imagej;

import net.imagej.legacy.LegacyService;

/**
 * Stands in for ImageJ2 as a Fiji has it: brings up ImageJ without showing it, until its user
 * interface is asked for.
 */
public class ImageJ {
    private final LegacyService legacy = new LegacyService();

    public ImageJ() {
        legacy.initialize();
    }

    public LegacyService legacy() {
        return legacy;
    }

    public UI ui() {
        return new UI();
    }

    public void dispose() {
        legacy.dispose();
    }

    /** The user interface. */
    public class UI {
        /** Returns once the window is visible, and leaves it so. */
        public void showUI() {
            legacy.setVisible();
        }

        public boolean isVisible() {
            return legacy.isVisible();
        }
    }
}
